/**
 * The program of a worker that runs one of Mosquitto's command-line programs. The program waits as it would on any
 * system: this thread sleeps, and the engine's thread does its networking and wakes it.
 */
import { hostname } from "node:os";
import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { Errno } from "../core/files";
import type { Connection, ConnectionEvents, ListenAddress, Network } from "../core/network";
import { type SocketExports, Sockets } from "../core/sockets";
import { makeWasi, ProgramExit } from "../core/wasi";
import { instantiate, isTrap } from "../core/webassembly";
import { FolderFiles } from "./folder-files";
import type { FromProgram, ProgramData, ToProgram } from "./program-messages";

const { module: program, args, env, mounts, input, port, changes } = workerData as ProgramData & { port: MessagePort };
const say = (message: FromProgram) => port.postMessage(message);
const connections = new Map<number, ConnectionEvents>();

class RemoteNetwork implements Network {
  readonly hostname = hostname();
  #lastId = 0;

  listen(): number {
    return Errno.nosys;
  }

  connect(address: ListenAddress): Connection {
    const id = ++this.#lastId;
    say({ op: "connect", id, address });
    return {
      listen: (events) => void connections.set(id, events),
      write(bytes) {
        say({ op: "write", id, bytes });
        return true;
      },
      finish: () => say({ op: "finish", id }),
      end() {
        connections.delete(id);
        say({ op: "end", id });
      },
      destroy() {
        connections.delete(id);
        say({ op: "end", id });
      },
      pause() {},
      resume() {},
    };
  }
}

/** Hands on all that has arrived; false when there was nothing. */
function deliver(): boolean {
  let any = false;
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (!received) return any;
    any = true;
    const message = received.message as ToProgram;
    const events = connections.get(message.id);
    if (message.event === "data") events?.data(message.bytes);
    else if (message.event === "error") events?.error(message.errno);
    else if (message.event === "end") events?.end();
    else events?.open?.();
  }
}

const sockets = new Sockets({ network: new RemoteNetwork(), wake() {} });

function wait(ms: number): void {
  sockets.flush();
  // Read first: a change between the two is then not slept through.
  const seen = Atomics.load(changes, 0);
  if (deliver()) return;
  Atomics.wait(changes, 0, seen, ms < 0 ? Number.POSITIVE_INFINITY : ms);
  deliver();
}

let unread = new TextEncoder().encode(input);

const wasi = makeWasi({
  files: new FolderFiles(mounts),
  args,
  env,
  output: (fd, bytes) => say({ op: "output", fd, bytes: bytes.slice() }),
  input(limit) {
    const part = unread.subarray(0, limit);
    unread = unread.subarray(part.length);
    return part;
  },
  sleep: (ms) => void Atomics.wait(changes, 1, 0, ms),
});

/** Runs the program; its exit code. */
async function run(): Promise<number> {
  const host = { ...sockets.imports, wait, echo() {} };
  const { exports } = await instantiate(program, { wasi_snapshot_preview1: wasi.imports, host });
  const own = exports as unknown as Partial<SocketExports> & Pick<SocketExports, "memory"> & { _start(): void };
  wasi.bind(own.memory);
  sockets.bind(own as SocketExports);
  try {
    own._start();
    return 0;
  } catch (error) {
    if (error instanceof ProgramExit) return error.code;
    if (!isTrap(error)) throw error;
    say({ op: "output", fd: 2, bytes: new TextEncoder().encode(`${args[0]} crashed: ${error.message}\n`) });
    return 128 + 6; // as a shell shows SIGABRT
  } finally {
    // Programs without sockets export none of their calls.
    if (own.socket_output_length) sockets.flush();
    sockets.closeAll("end");
  }
}

run().then(
  (code) => say({ op: "exit", code }),
  (error: Error) => say({ op: "failed", message: error.message }),
);
