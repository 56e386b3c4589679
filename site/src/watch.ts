import { createHash } from "node:crypto";
import { existsSync, type FSWatcher, watch as watchFolder } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, resolve, sep } from "node:path";

/** A site that is built again when its sources change, and served with a reload of the pages that are open. */
export interface Watched {
  /** The built site. */
  readonly out: string;
  /** Folders that a change in which builds again; those that are not there are left out. */
  readonly folders: readonly string[];
  /** Builds; what went wrong it says itself, and the old site stays. */
  build(): Promise<unknown>;
  /** 0 for any free one. */
  readonly port: number;
}

export interface Watching {
  readonly url: string;
  close(): Promise<void>;
}

/** Changes that come together, as editors write them, build once. */
const TOGETHER_MS = 80;

/** Serves and watches until `close`. */
export async function watchSite(of: Watched): Promise<Watching> {
  const readers = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    if (request.url === LIVE) listen(readers, response);
    else void answer(of.out, request.url ?? "/", response);
  });
  const port = await listening(server, of.port);
  let building = false;
  let again = false;
  const rebuild = async (): Promise<void> => {
    if (building) {
      again = true;
      return;
    }
    building = true;
    do {
      again = false;
      await of.build();
      for (const reader of readers) reader.write("data: built\n\n");
    } while (again);
    building = false;
  };
  let waiting: NodeJS.Timeout | undefined;
  const changed = (name: string | null): void => {
    // What editors and the course tool write for a moment.
    if (name && /(?:^|[\\/])(?:\.|mine[\\/]|.*(?:~|\.sw[a-z]|\.tmp)$)/.test(name)) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => void rebuild(), TOGETHER_MS);
  };
  const watchers: FSWatcher[] = of.folders
    .filter((folder) => existsSync(folder))
    .map((folder) => watchFolder(folder, { recursive: true }, (_event, name) => changed(name)));
  return {
    url: `http://127.0.0.1:${port}/`,
    async close() {
      clearTimeout(waiting);
      for (const watcher of watchers) watcher.close();
      for (const reader of readers) reader.end();
      server.closeAllConnections();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}

const LIVE = "/.live";
const SCRIPT = `new EventSource("${LIVE}").onmessage = () => location.reload();`;

function listen(readers: Set<ServerResponse>, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" }).write(": here\n\n");
  readers.add(response);
  response.once("close", () => readers.delete(response));
}

const KINDS: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".json": "application/json",
  ".ipynb": "application/x-ipynb+json",
};

async function answer(out: string, url: string, response: ServerResponse): Promise<void> {
  try {
    const path = decodeURIComponent(new URL(url, "http://127.0.0.1").pathname);
    const file = resolve(join(out, path.endsWith("/") ? `${path}index.html` : path));
    if (!file.startsWith(resolve(out) + sep)) throw new Error("outside of the site");
    const body = await readFile(file);
    const kind = KINDS[extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": kind, "cache-control": "no-store" });
    response.end(kind.startsWith("text/html") ? live(body.toString("utf8")) : body);
  } catch {
    response.writeHead(404, { "content-type": "text/plain" }).end("There is no such page.\n");
  }
}

/** The served page, not the written one, has the reload and a policy that lets it in. */
function live(html: string): string {
  const hash = `'sha256-${createHash("sha256").update(SCRIPT).digest("base64")}'`;
  return html
    .replace(/(<meta http-equiv="Content-Security-Policy" content=")([^"]*)/, (_, head: string, policy: string) => {
      const connect = policy.includes("connect-src") ? policy : `connect-src 'self'; ${policy}`;
      return `${head}${connect.replace("script-src ", `script-src ${hash} `)}`;
    })
    .replace("</head>", () => `<script>${SCRIPT}</script>\n</head>`);
}

function listening(server: Server, port: number): Promise<number> {
  return new Promise((there, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", () => there((server.address() as AddressInfo).port));
  });
}
