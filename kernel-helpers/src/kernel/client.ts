import { join } from "node:path";
import { LabError } from "../core/errors";
import { type Channel, Channels, newConnection } from "./channels";
import { KernelProcess, type RunningKernel } from "./kernel-process";
import { kernelSpec } from "./kernelspec";
import { type Output, OutputCollector } from "./outputs";
import { type ConnectionInfo, type Content, LATE_ERROR, type Message } from "./protocol";

export type { Output } from "./outputs";

export interface StartOptions {
  /** The folder that imports are resolved from. Default: the current one. */
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Another kernel, or another Node: words with "{connection_file}". Default: our launcher under this Node. */
  readonly argv?: readonly string[];
  /** Milliseconds until it must answer, default 30,000. */
  readonly startTimeout?: number;
  /** Starts the kernel elsewhere than in a process of this machine; its ports are then reached at this one's all the same. */
  readonly spawn?: (connection: ConnectionInfo) => Promise<RunningKernel>;
}

export interface ExecuteOptions {
  /** Milliseconds; default none. A cell that takes longer is interrupted, and its result says so. */
  readonly timeout?: number;
  readonly silent?: boolean;
  readonly storeHistory?: boolean;
  /** Whether an error aborts the cells that were sent after this one; default true. */
  readonly stopOnError?: boolean;
  readonly userExpressions?: Record<string, string>;
  /** Every message of the cell as it comes. */
  readonly onMessage?: (type: string, content: Content) => void;
}

/** An error that nothing in the cell's code caught, such as a throw in a timer. */
export interface LateError {
  readonly ename: string;
  readonly evalue: string;
}

/** How a cell ended. `outputs` and `lateErrors` go on growing when its timers write or throw later. */
export interface ExecuteResult {
  readonly status: "ok" | "error" | "aborted";
  readonly executionCount: number | null;
  readonly outputs: Output[];
  readonly lateErrors: LateError[];
  readonly error?: { readonly ename: string; readonly evalue: string; readonly traceback: string[] };
  readonly userExpressions: Content;
  /** It ran into its timeout. */
  readonly timedOut: boolean;
}

interface Waiting {
  readonly channel: Channel;
  reply?: Content;
  idle: boolean;
  readonly onMessage?: (type: string, content: Content) => void;
  readonly done: (reply: Content) => void;
  readonly failed: (error: Error) => void;
}

const DEFAULT_START = 30_000;
const PORT_TRIES = 3;
const HANDSHAKE_RETRY = 300;
/** How long a shutdown may take before the process is killed, in ms: the kernel's own cleanup has two seconds. */
const SHUTDOWN_LIMIT = 4_000;
/** How long an interrupted cell has to end before the kernel is given up, in ms. */
const INTERRUPT_LIMIT = 20_000;
/** How long an interrupt has to show before it is sent again, in ms. */
const INTERRUPT_AGAIN = 1_500;

/** A kernel of our own and the conversation with it. Nothing of it is left after shutdown() or kill(). */
export class KernelClient {
  readonly #options: StartOptions;
  #process!: RunningKernel;
  #channels!: Channels;
  #info: Content = {};
  #stopping = false;
  readonly #waiting = new Map<string, Waiting>();
  readonly #cells = new Map<string, { outputs: Output[]; lateErrors: LateError[] }>();
  readonly #collector = new OutputCollector();

  private constructor(options: StartOptions) {
    this.#options = options;
  }

  /**
   * Spawns a kernel and waits until it answers on all channels.
   * @throws LabError SETUP_FAILED with the process's last words, TIMEOUT.
   */
  static async start(options: StartOptions = {}): Promise<KernelClient> {
    const client = new KernelClient(options);
    await client.#spawn();
    return client;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Whether the kernel's process is there. */
  get alive(): boolean {
    return !this.#process.gone;
  }

  /** The kernel_info_reply. */
  get info(): Content {
    return this.#info;
  }

  /** Resolves when the present process is gone, whatever the reason. */
  get ended(): Promise<void> {
    return this.#process.ended;
  }

  /** Runs a cell. @throws LabError when the kernel dies meanwhile. What the cell does wrong is in the result. */
  async execute(code: string, options: ExecuteOptions = {}): Promise<ExecuteResult> {
    const cell = { outputs: [] as Output[], lateErrors: [] as LateError[] };
    let timedOut = false;
    let timers: NodeJS.Timeout[] = [];
    const { id, answer } = this.#ask("shell", "execute_request", executeContent(code, options), options.onMessage);
    this.#cells.set(id, cell);
    if (options.timeout !== undefined) {
      const giveUp = (): void => this.#process.kill();
      const expire = (): void => {
        timedOut = true;
        timers.push(setTimeout(giveUp, INTERRUPT_LIMIT));
        stop();
      };
      // Again and again: an interrupt that comes before the cell began (a busy machine still compiles it) stops nothing.
      const stop = (): void => {
        timers.push(setTimeout(stop, INTERRUPT_AGAIN));
        this.interrupt().catch(giveUp);
      };
      timers = [setTimeout(expire, options.timeout)];
    }
    try {
      return { ...resultOf(await answer), ...cell, timedOut };
    } finally {
      for (const timer of timers) clearTimeout(timer);
    }
  }

  /** Any other request, by its type; its reply's content. */
  async request(type: string, content: Content = {}, channel: Channel = "shell"): Promise<Content> {
    return await this.#ask(channel, type, content).answer;
  }

  /** Ends the running cell with KeyboardInterrupt; the kernel's state stays. */
  async interrupt(): Promise<void> {
    await this.request("interrupt_request", {}, "control");
  }

  /** Ends the process, politely first. A second call does nothing. */
  async shutdown(): Promise<void> {
    await this.#stop(false);
  }

  /** A new process in the same folder: all state is gone. */
  async restart(): Promise<void> {
    await this.#stop(true);
    this.#cells.clear();
    await this.#spawn();
  }

  /** Ends the process now, without any cleanup of its own. */
  async kill(): Promise<void> {
    this.#stopping = true;
    this.#process.kill();
    await this.#process.ended;
  }

  async #spawn(): Promise<void> {
    const deadline = Date.now() + (this.#options.startTimeout ?? DEFAULT_START);
    for (let tries = 1; ; tries++) {
      try {
        await this.#spawnOnce(deadline);
        return;
      } catch (error) {
        // Between our look for free ports and the kernel's use of them another process may have taken one.
        const said = `${error} ${(this.#process as RunningKernel | undefined)?.lastWords}`;
        if (tries === PORT_TRIES || !said.includes("EADDRINUSE")) throw error;
      }
    }
  }

  async #spawnOnce(deadline: number): Promise<void> {
    this.#stopping = false;
    const connection = await newConnection();
    const { argv, env } = kernelSpec(process.execPath, join(__dirname, "launch.js"));
    this.#process = this.#options.spawn
      ? await this.#options.spawn(connection)
      : new KernelProcess(connection, {
          argv: this.#options.argv ?? argv,
          cwd: this.#options.cwd ?? process.cwd(),
          env: { ...env, ...this.#options.env },
        });
    const opened = await Channels.open(connection, (message, channel) => this.#receive(message, channel));
    this.#channels = opened;
    void this.#process.ended.then(() => this.#lost(opened));
    await this.#handshake(deadline);
  }

  /** A kernel_info round trip whose idle was seen on iopub too: that socket may join later than the others. */
  async #handshake(deadline: number): Promise<void> {
    for (;;) {
      const { id, answer } = this.#ask("shell", "kernel_info_request", {});
      let timer: NodeJS.Timeout | undefined;
      const silence = new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), HANDSHAKE_RETRY);
      });
      const reply = await Promise.race([answer, silence]).finally(() => clearTimeout(timer));
      if (reply) {
        this.#info = reply;
        return;
      }
      this.#waiting.delete(id);
      if (Date.now() < deadline) continue;
      await this.kill();
      throw new LabError("TIMEOUT", "the kernel did not answer in time", "try again when the machine is less busy");
    }
  }

  async #stop(restart: boolean): Promise<void> {
    this.#stopping = true;
    if (this.#process.gone) return;
    this.#channels.send("control", "shutdown_request", { restart });
    const timer = setTimeout(() => this.#process.kill(), SHUTDOWN_LIMIT);
    await this.#process.ended;
    clearTimeout(timer);
  }

  #ask(
    channel: Channel,
    type: string,
    content: Content,
    onMessage?: Waiting["onMessage"],
  ): { id: string; answer: Promise<Content> } {
    if (this.#process.gone) return { id: "", answer: Promise.reject(this.#process.death()) };
    const id = this.#channels.send(channel, type, content);
    const answer = new Promise<Content>((done, failed) => {
      this.#waiting.set(id, { channel, idle: false, onMessage, done, failed });
    });
    return { id, answer };
  }

  #receive(message: Message, channel: Channel | "iopub"): void {
    const id = message.parent.msg_id ?? "";
    const waiting = this.#waiting.get(id);
    if (channel === "iopub") {
      const type = message.header.msg_type;
      const cell = this.#cells.get(id);
      if (cell) this.#collector.add(cell.outputs, type, message.content);
      const late = message.metadata[LATE_ERROR] as LateError | undefined;
      if (late) cell?.lateErrors.push(late);
      waiting?.onMessage?.(type, message.content);
      if (type === "status" && waiting) waiting.idle = message.content.execution_state === "idle";
    } else if (waiting) waiting.reply = message.content;
    // A cell is over when both have come: the reply may overtake the last outputs.
    if (!waiting?.reply || !waiting.idle) return;
    this.#waiting.delete(id);
    waiting.done(waiting.reply);
  }

  #lost(channels: Channels): void {
    channels.close();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    const error = this.#stopping
      ? new LabError("SETUP_FAILED", "the kernel was shut down while a cell ran", "start a kernel and run it again")
      : this.#process.death();
    for (const each of waiting) each.failed(error);
  }
}

const executeContent = (code: string, options: ExecuteOptions): Content => ({
  code,
  silent: options.silent ?? false,
  store_history: options.storeHistory ?? !options.silent,
  user_expressions: options.userExpressions ?? {},
  allow_stdin: false,
  stop_on_error: options.stopOnError ?? true,
});

function resultOf(reply: Content): Omit<ExecuteResult, "outputs" | "lateErrors" | "timedOut"> {
  const status = reply.status as ExecuteResult["status"];
  const error = { ename: String(reply.ename), evalue: String(reply.evalue), traceback: reply.traceback as string[] };
  return {
    status,
    executionCount: (reply.execution_count as number | undefined) ?? null,
    userExpressions: (reply.user_expressions ?? {}) as Content,
    ...(status === "error" ? { error } : {}),
  };
}
