import { readFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, resolve, sep } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A plain file server on 127.0.0.1, for authors and for tests.
 * @param options.page changes a page on its way. @param options.more answers an address itself, and says so.
 */
export async function serveFolder(
  out: string,
  options: {
    port?: number;
    page?: (html: string) => string;
    more?: (url: string, response: ServerResponse) => boolean;
  } = {},
): Promise<Served> {
  const server = createServer((request, response) => {
    const url = request.url ?? "/";
    const packs = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
    if (!options.more?.(url, response))
      void answer(out, url, response, { page: options.page ?? ((html) => html), packs });
  });
  const port = await listening(server, options.port ?? 0);
  return {
    url: `http://127.0.0.1:${port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}

const KINDS: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".json": "application/json",
  ".xml": "application/atom+xml",
  ".ipynb": "application/x-ipynb+json",
};

const packed = promisify(gzip) as (body: Buffer) => Promise<Buffer>;

async function answer(
  out: string,
  url: string,
  response: ServerResponse,
  { page, packs }: { page: (html: string) => string; packs: boolean },
): Promise<void> {
  try {
    const path = decodeURIComponent(new URL(url, "http://127.0.0.1").pathname);
    const file = resolve(join(out, path.endsWith("/") ? `${path}index.html` : path));
    if (!file.startsWith(resolve(out) + sep)) throw new Error("outside of the site");
    const body = await readFile(file);
    const kind = KINDS[extname(file)] ?? "application/octet-stream";
    const sent = kind.startsWith("text/html") ? Buffer.from(page(body.toString("utf8"))) : body;
    // As web servers do: a page is a fifth of its size on the way.
    const headers = { "content-type": kind, "cache-control": "no-store", vary: "accept-encoding" };
    response.writeHead(200, packs ? { ...headers, "content-encoding": "gzip" } : headers);
    response.end(packs ? await packed(sent) : sent);
  } catch {
    response.writeHead(404, { "content-type": "text/plain" }).end("There is no such page.\n");
  }
}

function listening(server: Server, port: number): Promise<number> {
  return new Promise((there, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", () => there((server.address() as AddressInfo).port));
  });
}
