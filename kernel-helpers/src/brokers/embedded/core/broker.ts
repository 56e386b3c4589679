/**
 * One broker: one instance of mosquitto.wasm, given a turn whenever something came in or is due. Runs wherever there is
 * WebAssembly; files and network are handed in. No Node built-in.
 */
import type { FileSystem } from "./files";
import { Lines } from "./lines";
import type { ListenAddress, Network } from "./network";
import { type SocketExports, Sockets } from "./sockets";
import { makeWasi, ProgramExit } from "./wasi";
import { instantiate, isTrap, type WasmModule } from "./webassembly";

/** How a broker ended. `signal` is set when it didn't end by itself: SIGKILL, or a crash. */
export interface BrokerEnd {
  readonly code: number | null;
  readonly signal: "SIGKILL" | "SIGABRT" | "SIGSEGV" | null;
}

export interface BrokerOptions {
  /** mosquitto.wasm, compiled. */
  readonly module: WasmModule;
  readonly files: FileSystem;
  readonly network: Network;
  /** The words after "mosquitto". */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where relative paths begin. Default "/". */
  readonly folder?: string;
  /** A line that it wrote, as soon as it is complete. */
  readonly line: (text: string, fd: 1 | 2) => void;
  /** Called once, when it has ended, after its last line. */
  readonly ended: (end: BrokerEnd) => void;
}

interface BrokerExports extends SocketExports {
  malloc(size: number): number;
  free(pointer: number): void;
  _initialize?(): void;
  broker_chdir(path: number): number;
  broker_start(argc: number, argv: number): number;
  broker_turn(): number;
  broker_ready(): number;
  broker_signal(number: number): void;
  broker_flush(): void;
  broker_finish(): void;
}

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGUSR1: 10, SIGUSR2: 12, SIGTERM: 15, SIGRTMIN: 34 } as const;
export type BrokerSignalName = keyof typeof SIGNALS;

/** Milliseconds of turns in a row before others in this thread have theirs. */
const LONGEST_STRETCH = 20;
const STOPPED = -1;
/** Mosquitto's own exit code when a listener can't be opened. */
const LISTEN_FAILED = 1;

/** Leaves the program where it enters its main loop; its frames stay on its stack. */
const suspended = new Error("the main loop belongs to the loader");

export class Broker {
  readonly #options: BrokerOptions;
  readonly #sockets: Sockets;
  readonly #out: Lines;
  readonly #err: Lines;
  #exports!: BrokerExports;
  #state: "starting" | "running" | "paused" | "ended" = "starting";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turnQueued = false;
  /** A caller's `line` may ask for a turn in the middle of one. */
  #inTurn = false;
  readonly #signals: BrokerSignalName[] = [];

  /**
   * Runs Mosquitto's start: configuration, plugins, stored data, listeners. When this returns it serves, or has ended
   * (`ended` was called).
   */
  static async start(options: BrokerOptions): Promise<Broker> {
    const broker = new Broker(options);
    await broker.#instantiate();
    broker.#enter();
    return broker;
  }

  private constructor(options: BrokerOptions) {
    this.#options = options;
    this.#out = new Lines((line) => options.line(line, 1));
    this.#err = new Lines((line) => options.line(line, 2));
    this.#sockets = new Sockets({
      network: options.network,
      wake: () => this.#queueTurn(),
      listenFailed: (address, errno) => this.#listenFailed(address, errno),
    });
  }

  get running(): boolean {
    return this.#state === "running" || this.#state === "paused";
  }

  /** The program's memory, in bytes: only grows. */
  get memorySize(): number {
    return this.#sockets.memory.length;
  }

  /** For tests of crashes: the next turn reads nonsense. */
  spoilMemory(): void {
    this.#sockets.memory.fill(0xff);
    this.#queueTurn();
  }

  /** Carried out when this returns; a paused broker gets its signals when it goes on, like any stopped process. */
  signal(name: BrokerSignalName): void {
    if (!this.running) return;
    this.#signals.push(name);
    if (this.#inTurn) this.#queueTurn();
    else this.#turn();
  }

  /** No more turns: connections stay, nothing answers. */
  pause(): void {
    if (this.#state !== "running") return;
    this.#state = "paused";
    clearTimeout(this.#timer);
    this.#sockets.freeze();
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    this.#sockets.thaw();
    this.#queueTurn();
  }

  /** Ends it at once: no wills, nothing saved, connections reset. */
  kill(): void {
    this.#end({ code: null, signal: "SIGKILL" }, "destroy");
  }

  async #instantiate(): Promise<void> {
    const { module, files, args, env = {} } = this.#options;
    const wasi = makeWasi({
      files,
      args: ["mosquitto", ...args],
      env,
      output: (fd, bytes) => (fd === 1 ? this.#out : this.#err).add(bytes),
    });
    const suspend = () => {
      throw suspended;
    };
    const imports = { wasi_snapshot_preview1: wasi.imports, host: { ...this.#sockets.imports, suspend } };
    this.#exports = (await instantiate(module, imports)).exports as unknown as BrokerExports;
    wasi.bind(this.#exports.memory);
    this.#sockets.bind(this.#exports);
  }

  #enter(): void {
    const code = this.#guarded(() => {
      this.#exports._initialize?.();
      if (this.#options.folder) this.#exports.broker_chdir(this.#string(this.#options.folder));
      const words = ["mosquitto", ...this.#options.args].map((word) => this.#string(word));
      return this.#exports.broker_start(words.length, this.#pointers(words));
    });
    if (code === undefined) return;
    if (code === "suspended") {
      this.#state = "running";
      this.#turn();
    } else this.#end({ code, signal: null }, "end");
  }

  /** Calls into the program. undefined: it crashed, and has ended. */
  #guarded(call: () => number): number | "suspended" | undefined {
    try {
      return call();
    } catch (error) {
      if (error === suspended) return "suspended";
      if (error instanceof ProgramExit) return error.code;
      if (!isTrap(error)) throw error;
      this.#crashed(error);
      return undefined;
    }
  }

  #queueTurn(): void {
    if (this.#turnQueued || this.#state !== "running") return;
    this.#turnQueued = true;
    soon(() => {
      this.#turnQueued = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#state !== "running") return;
    clearTimeout(this.#timer);
    const began = performance.now();
    let wait: number | undefined;
    this.#inTurn = true;
    do {
      wait = this.#oneTurn();
      if (wait === undefined) break;
      this.#sockets.flush();
      // What was flushed may have unblocked a writer: without a look it would wait for the next timer.
      if (wait > 0 && this.#exports.broker_ready()) wait = 0;
    } while (wait === 0 && performance.now() - began < LONGEST_STRETCH);
    this.#inTurn = false;
    if (wait === undefined) return;
    if (wait < 0) this.#finish(wait === STOPPED ? 0 : -2 - wait);
    else if (wait === 0) this.#queueTurn();
    else this.#timer = setTimeout(() => this.#turn(), wait);
  }

  /** Milliseconds until the next one, negative at its end, undefined after a crash. */
  #oneTurn(): number | undefined {
    const signals = this.#signals.splice(0);
    const wait = this.#guarded(() => {
      for (const name of signals) this.#exports.broker_signal(SIGNALS[name]);
      const next = this.#exports.broker_turn();
      if (signals.length) this.#exports.broker_flush();
      return next;
    });
    return wait === "suspended" ? 0 : wait;
  }

  #finish(code: number): void {
    const done = this.#guarded(() => {
      this.#exports.broker_finish();
      return 0;
    });
    if (done !== undefined) this.#end({ code, signal: null }, "end");
  }

  #listenFailed(address: ListenAddress, errno: number): void {
    this.#options.line(`Error: listener on port ${address.port} could not be opened (errno ${errno}).`, 2);
    this.#end({ code: LISTEN_FAILED, signal: null }, "end");
  }

  #crashed(error: Error): void {
    this.#err.rest();
    this.#options.line(`mosquitto crashed: ${error.message}`, 2);
    // abort() compiles to the "unreachable" instruction.
    this.#end({ code: null, signal: /unreachable/.test(error.message) ? "SIGABRT" : "SIGSEGV" }, "destroy");
  }

  #end(end: BrokerEnd, how: "end" | "destroy"): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    clearTimeout(this.#timer);
    this.#sockets.closeAll(how);
    this.#out.rest();
    this.#err.rest();
    this.#options.ended(end);
  }

  #string(text: string): number {
    const bytes = new TextEncoder().encode(`${text}\0`);
    const at = this.#exports.malloc(bytes.length);
    this.#sockets.memory.set(bytes, at);
    return at;
  }

  /** An array of pointers that ends with NULL. */
  #pointers(list: readonly number[]): number {
    const at = this.#exports.malloc(4 * (list.length + 1));
    const view = new DataView(this.#exports.memory.buffer);
    for (const [index, pointer] of [...list, 0].entries()) view.setUint32(at + 4 * index, pointer, true);
    return at;
  }
}

/** Runs a function after the events that are waiting now: a page has no setImmediate, and its timers are slow. */
const soon: (run: () => void) => void =
  typeof setImmediate === "function"
    ? (run) => void setImmediate(run)
    : (() => {
        const waiting: (() => void)[] = [];
        const channel = new MessageChannel();
        (channel.port1 as { onmessage?: () => void }).onmessage = () => waiting.shift()?.();
        return (run: () => void) => {
          waiting.push(run);
          channel.port2.postMessage(null);
        };
      })();
