import { createHash } from "node:crypto";
import { existsSync, type FSWatcher, watch as watchFolder } from "node:fs";
import type { ServerResponse } from "node:http";
import { serveFolder } from "./serve";

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
  const server = await serveFolder(of.out, {
    port: of.port,
    page: live,
    more: (url, response) => url === LIVE && listen(readers, response),
  });
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
    url: server.url,
    async close() {
      clearTimeout(waiting);
      for (const watcher of watchers) watcher.close();
      for (const reader of readers) reader.end();
      await server.close();
    },
  };
}

const LIVE = "/.live";
const SCRIPT = `new EventSource("${LIVE}").onmessage = () => location.reload();`;

function listen(readers: Set<ServerResponse>, response: ServerResponse): true {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" }).write(": here\n\n");
  readers.add(response);
  response.once("close", () => readers.delete(response));
  return true;
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
