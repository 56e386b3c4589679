/** Runs one of Mosquitto's programs to its end. */
import { join } from "node:path";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { LabError } from "../../../core/errors";
import type { ExecOptions, ToolResult } from "../../engine";
import type { Connection, ListenAddress } from "../core/network";
import type { WasmModule } from "../core/webassembly";
import type { Mount } from "./folder-files";
import type { FromProgram, ProgramData, ToProgram } from "./program-messages";
import { TcpNetwork, type TcpOptions } from "./tcp";

export interface ProgramOptions {
  readonly module: WasmModule;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly network: TcpOptions;
}

const DEFAULT_TIMEOUT = 10_000;

/** The program's connections, which live in this thread. */
class Connections {
  readonly #open = new Map<number, Connection>();
  readonly #network: TcpNetwork;

  constructor(
    readonly port: MessagePort,
    readonly changes: Int32Array,
    options: TcpOptions,
  ) {
    this.#network = new TcpNetwork(options);
  }

  connect(id: number, address: ListenAddress): void {
    const connection = this.#network.connect(address);
    if (typeof connection === "number") {
      this.#tell({ event: "error", id, errno: connection });
      return;
    }
    this.#open.set(id, connection);
    connection.listen({
      open: () => this.#tell({ event: "open", id }),
      data: (bytes) => this.#tell({ event: "data", id, bytes }),
      drain() {},
      end: () => this.#tell({ event: "end", id }),
      error: (errno) => this.#tell({ event: "error", id, errno }),
    });
  }

  write(id: number, bytes: Uint8Array): void {
    this.#open.get(id)?.write(bytes);
  }

  finish(id: number): void {
    this.#open.get(id)?.finish();
  }

  end(id: number): void {
    this.#open.get(id)?.end();
    this.#open.delete(id);
  }

  destroyAll(): void {
    for (const connection of this.#open.values()) connection.destroy();
    this.#open.clear();
  }

  #tell(message: ToProgram): void {
    this.port.postMessage(message);
    Atomics.add(this.changes, 0, 1);
    Atomics.notify(this.changes, 0);
  }
}

/**
 * @returns what it printed and its exit code, whatever it is.
 * @throws LabError TIMEOUT; the signal's reason when it is aborted.
 */
export async function runProgram(program: ProgramOptions, options: ExecOptions = {}): Promise<ToolResult> {
  options.signal?.throwIfAborted();
  const timeout = options.timeout ?? DEFAULT_TIMEOUT;
  const changes = new Int32Array(new SharedArrayBuffer(8));
  const { port1, port2 } = new MessageChannel();
  const { module, command, env, mounts } = program;
  const data: ProgramData = { module, args: command, env, mounts, input: options.input ?? "", changes };
  const worker = new Worker(join(__dirname, "program-worker.js"), {
    execArgv: [],
    name: command[0] ?? "program",
    workerData: { ...data, port: port2 },
    transferList: [port2],
  });
  const connections = new Connections(port1, changes, program.network);
  const output = { 1: [] as Uint8Array[], 2: [] as Uint8Array[] };
  const text = (fd: 1 | 2) => Buffer.concat(output[fd]).toString("utf8");

  let stop = () => {};
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(tooLate(command, timeout, text(1) + text(2))), timeout);
      const abort = () => reject(options.signal?.reason);
      options.signal?.addEventListener("abort", abort, { once: true });
      stop = () => {
        clearTimeout(timer);
        options.signal?.removeEventListener("abort", abort);
      };
      worker.once("error", reject);
      port1.on("message", (message: FromProgram) => {
        if (message.op === "connect") connections.connect(message.id, message.address);
        else if (message.op === "write") connections.write(message.id, message.bytes);
        else if (message.op === "finish") connections.finish(message.id);
        else if (message.op === "end") connections.end(message.id);
        else if (message.op === "output") output[message.fd].push(message.bytes);
        else if (message.op === "exit") resolve(message.code);
        else reject(new Error(message.message));
      });
    });
    return { command, stdout: text(1), stderr: text(2), exitCode };
  } finally {
    stop();
    connections.destroyAll();
    port1.close();
    await worker.terminate();
  }
}

function tooLate(command: readonly string[], timeout: number, said: string): LabError {
  return new LabError(
    "TIMEOUT",
    `${command.join(" ")} had not ended after ${timeout} ms, and was ended${said ? `. It printed:\n${said.trimEnd()}` : ""}`,
    "give it an end of its own (mosquitto_sub: -C for a number of messages, -W for seconds) or a longer timeout",
  );
}
