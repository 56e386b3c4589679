/** The grader's end of a gate: connections to and from a sealed kernel. What comes through it may be a lie. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectGate, type Http2Stream } from "node:http2";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";

/** Of both ends: enough for a lesson's connections, and a window that keeps a flood on its own side. */
export const GATE_SETTINGS = { maxConcurrentStreams: 512, initialWindowSize: 256 * 1024, enablePush: false };

/** What the gate starts: the kernel. */
export interface GateStart {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The connection file: its path inside, and its text. */
  readonly file: string;
  readonly content: string;
}

/** How the kernel ended. */
export interface GateEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** The end of what it wrote to its standard output and error. */
  readonly said: string;
  /** The system ended it for want of memory. */
  readonly memory: boolean;
}

/** Connections of the kernel's that can be taken at once, without asking again. */
const TAKERS = 16;
/** Connections that one kernel may have open: the judge's machine has ports for others, too. */
const CONNECTIONS = 400;
/** Ports of the kernel's that are there at this machine: Jupyter's five, and doors. */
const FORWARDED = 40;
const END_LIMIT = 64 * 1024;

export class Tunnel {
  readonly #session: ClientHttp2Session;
  readonly #servers = new Map<number, Server>();
  readonly #targets = new Map<string, string | number>();
  #open = 0;
  #closed = false;

  constructor(door: Duplex) {
    this.#session = connectGate("http://gate", {
      createConnection: () => door,
      settings: GATE_SETTINGS,
      maxSessionMemory: 64,
    });
    this.#session.on("error", () => this.close());
    this.#session.on("close", () => this.close());
    for (let n = 0; n < TAKERS; n++) this.#take();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What the kernel connects to at `at` (a port, or the path of a socket) comes out at `target` here. */
  async announce(at: string | number, target: string | number = at): Promise<void> {
    this.#targets.set(String(at), target);
    const { status, text } = await this.#ask(`/listen?at=${encodeURIComponent(at)}`);
    if (status !== 200) throw new Error(`the gate cannot open ${at}: ${text.slice(0, 200)}`);
  }

  /** Nothing is there any more: a connection is refused, as it is outside. */
  async withdraw(at: number): Promise<void> {
    this.#targets.delete(String(at));
    await this.#ask(`/unlisten?at=${at}`);
  }

  /** A port of the kernel's is reached by the same number here. */
  async forward(port: number): Promise<void> {
    if (this.#servers.has(port)) return;
    if (this.#servers.size >= FORWARDED) throw new Error(`${FORWARDED} ports at once is the most`);
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => undefined);
      const stream = this.#request(`/dial?at=${port}`);
      stream.once("response", (headers) => {
        if (headers[":status"] === 200) join(stream, socket);
        else socket.destroy();
      });
      stream.once("error", () => socket.destroy());
    });
    this.#servers.set(port, server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => {
        this.#servers.delete(port);
        reject(error);
      });
      server.listen(port, "127.0.0.1", resolve);
    });
  }

  /** Starts the kernel. Resolves when it has ended. */
  async start(what: GateStart): Promise<GateEnd> {
    const { text } = await this.#ask("/start", JSON.stringify(what), END_LIMIT);
    const { code, signal, said, memory } = Object(JSON.parse(text)) as Partial<GateEnd>;
    return {
      code: typeof code === "number" ? code : null,
      signal: typeof signal === "string" ? signal.slice(0, 20) : null,
      said: typeof said === "string" ? said : "",
      memory: memory === true,
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const server of this.#servers.values()) server.close();
    this.#session.destroy();
  }

  #take(): void {
    if (this.#closed) return;
    const stream = this.#request("/accept");
    stream.once("response", (headers) => {
      this.#take();
      const at = String(headers["x-at"] ?? "");
      const target = this.#targets.get(at);
      if (headers[":status"] !== 200 || target === undefined || this.#open >= CONNECTIONS) {
        stream.close();
        return;
      }
      this.#open++;
      const socket: Socket =
        typeof target === "number"
          ? connect({ port: target, host: "127.0.0.1", allowHalfOpen: true })
          : connect({ path: target, allowHalfOpen: true });
      socket.once("close", () => this.#open--);
      join(stream, socket);
    });
  }

  #request(path: string): ClientHttp2Stream {
    const stream = this.#session.request({ ":method": "POST", ":path": path }, { endStream: false });
    stream.on("error", () => undefined);
    return stream;
  }

  #ask(path: string, body = "", limit = 4_096): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error("the gate is closed"));
        return;
      }
      const stream = this.#request(path);
      let status = 0;
      let text = "";
      stream.once("response", (headers) => {
        status = Number(headers[":status"]);
      });
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        if (text.length < limit) text += chunk;
      });
      stream.once("end", () => resolve({ status, text }));
      stream.once("error", reject);
      stream.once("close", () => reject(new Error("the gate is closed")));
      stream.end(body);
    });
  }
}

/** Two ends of one connection: data with its pressure, half a close as half a close, a breach as a breach. */
export function join(stream: Http2Stream, socket: Socket): void {
  socket.on("error", () => undefined);
  stream.on("error", () => undefined);
  socket.setNoDelay(true);
  stream.pipe(socket);
  socket.pipe(stream);
  socket.once("close", (broken) => {
    if (broken || !stream.writableEnded) stream.close(broken ? 8 : 0);
  });
  stream.once("close", () => {
    // A stream that was cancelled is a connection that was broken off.
    if (!stream.rstCode) socket.end();
    else if (socket.remotePort !== undefined) socket.resetAndDestroy();
    else socket.destroy();
  });
}
