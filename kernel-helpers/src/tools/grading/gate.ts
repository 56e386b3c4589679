/**
 * The only door of a sealed kernel. Runs beside it, in a place without a network, and carries connections over its own
 * standard input and output (HTTP/2): those that the kernel opens to addresses which the grader has announced, and those
 * that the grader opens to the kernel's own ports. It decides nothing: which addresses there are is said from outside,
 * and what comes out at the other end is the grader's business.
 *
 * Requests: POST /start (a JSON `GateStart`; the answer's body ends with the kernel), POST /listen?at=PORT|PATH,
 * POST /unlisten?at=…, POST /dial?at=PORT (the two bodies are the connection), POST /accept (answered when the kernel
 * has connected somewhere, header x-at; the two bodies are the connection).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer as createGate, type ServerHttp2Stream } from "node:http2";
import { connect, createServer, type Server, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { GATE_SETTINGS, type GateEnd, type GateStart, join } from "./tunnel";

/** Connections of the kernel's that nobody has taken yet; more are refused. */
const BACKLOG = 128;
const TAIL = 4_000;

class Gate {
  readonly #listening = new Map<string, Server>();
  readonly #takers: ServerHttp2Stream[] = [];
  readonly #waiting: { at: string; socket: Socket }[] = [];
  #kernel: ChildProcess | undefined;

  request(stream: ServerHttp2Stream, url: URL): void {
    const at = url.searchParams.get("at") ?? "";
    stream.on("error", () => undefined);
    const [, what = ""] = url.pathname.split("/");
    if (what === "start") this.#start(stream);
    else if (what === "listen") this.#listen(stream, at);
    else if (what === "unlisten") this.#unlisten(stream, at);
    else if (what === "dial") this.#dial(stream, Number(at));
    else if (what === "accept") {
      this.#takers.push(stream);
      this.#match();
    } else answer(stream, 404);
  }

  #unlisten(stream: ServerHttp2Stream, at: string): void {
    this.#listening.get(at)?.close();
    this.#listening.delete(at);
    answer(stream, 200);
  }

  #listen(stream: ServerHttp2Stream, at: string): void {
    if (this.#listening.has(at)) {
      answer(stream, 200);
      return;
    }
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => undefined);
      if (this.#waiting.length >= BACKLOG) socket.destroy();
      else this.#waiting.push({ at, socket });
      this.#match();
    });
    this.#listening.set(at, server);
    server.once("error", (error) => {
      this.#listening.delete(at);
      answer(stream, 500, error.message);
    });
    server.once("listening", () => answer(stream, 200));
    if (at.startsWith("/")) server.listen(at);
    else server.listen(Number(at), "127.0.0.1");
  }

  #dial(stream: ServerHttp2Stream, port: number): void {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.once("connect", () => {
      stream.respond({ ":status": 200 });
      join(stream, socket);
    });
    socket.once("error", (error) => {
      if (!stream.headersSent) answer(stream, 502, error.message);
    });
  }

  #match(): void {
    while (this.#takers.length && this.#waiting.length) {
      const stream = this.#takers.shift()!;
      const { at, socket } = this.#waiting.shift()!;
      if (stream.destroyed) {
        this.#waiting.unshift({ at, socket });
        continue;
      }
      stream.respond({ ":status": 200, "x-at": at });
      join(stream, socket);
    }
  }

  #start(stream: ServerHttp2Stream): void {
    let text = "";
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    stream.once("end", () => {
      const { argv, env, cwd, file, content } = JSON.parse(text) as GateStart;
      writeFileSync(file, content, { mode: 0o600 });
      const [program, ...words] = argv;
      const kernel = spawn(program!, words, { env, cwd, stdio: ["ignore", "pipe", "pipe"], detached: true });
      this.#kernel = kernel;
      let said = "";
      for (const output of [kernel.stdout, kernel.stderr]) {
        output.setEncoding("utf8").on("data", (more: string) => {
          said = (said + more).slice(-TAIL);
        });
      }
      stream.respond({ ":status": 200 });
      const ended = (code: number | null, signal: string | null): void => {
        const end: GateEnd = { code, signal, said: said.trim(), memory: outOfMemory() };
        stream.end(JSON.stringify(end));
      };
      kernel.once("error", () => ended(127, null));
      kernel.once("exit", ended);
    });
  }

  end(): never {
    if (this.#kernel?.pid !== undefined) kill(this.#kernel.pid);
    process.exit(0);
  }
}

function kill(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function answer(stream: ServerHttp2Stream, status: number, text = ""): void {
  if (stream.destroyed) return;
  stream.respond({ ":status": status });
  stream.end(text);
}

/** Whether the system ended a process here for want of memory: as either version of control groups tells it. */
function outOfMemory(): boolean {
  return ["/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"].some((file) => {
    try {
      return /^oom_kill [1-9]/m.test(readFileSync(file, "utf8"));
    } catch {
      return false; // the other version
    }
  });
}

function main(): void {
  const gate = new Gate();
  const server = createGate({ settings: GATE_SETTINGS, maxSessionMemory: 64 });
  server.on("stream", (stream, headers) => gate.request(stream, new URL(headers[":path"] ?? "/", "http://gate")));
  server.on("sessionError", () => undefined);
  const door = Duplex.from({ readable: process.stdin, writable: process.stdout });
  door.on("error", () => gate.end());
  // Whoever started us is gone, or wants us gone.
  process.stdin.once("end", () => gate.end()).once("close", () => gate.end());
  server.emit("connection", door);
}

if (require.main === module) main();
