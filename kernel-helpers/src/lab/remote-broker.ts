import type {
  BrokerSignal,
  EngineBroker,
  EngineKind,
  ExecOptions,
  Exit,
  Listener,
  ToolResult,
} from "../brokers/engine";
import { LabError } from "../core/errors";
import { LogBook, type LogLine } from "../core/log-book";
import type { BrokerCall, BrokerSnapshot } from "./judge-protocol";

/** Calls a method of a broker in the judge's process. */
export type BrokerCaller = (id: string, method: BrokerCall, args: readonly unknown[]) => Promise<unknown>;

/** A broker that the judge owns, as the graded kernel sees it: state and log are copies that the judge keeps fresh. */
export class RemoteBroker implements EngineBroker {
  readonly log = new LogBook();
  readonly #call: BrokerCaller;
  readonly #ends = new Set<(exit: Exit) => void>();
  #snapshot: BrokerSnapshot;

  constructor(snapshot: BrokerSnapshot, call: BrokerCaller) {
    this.#snapshot = snapshot;
    this.#call = call;
  }

  get id(): string {
    return this.#snapshot.id;
  }

  get name(): string {
    return this.#snapshot.name;
  }

  get engine(): EngineKind {
    return this.#snapshot.engine;
  }

  get version(): string {
    return this.#snapshot.version;
  }

  get listeners(): readonly Listener[] {
    return this.#snapshot.listeners;
  }

  get state(): EngineBroker["state"] {
    return this.#snapshot.state;
  }

  get lastExit(): Exit | null {
    return this.#snapshot.lastExit;
  }

  /** The judge's news of its state. */
  update(snapshot: BrokerSnapshot): void {
    this.#snapshot = snapshot;
    if (snapshot.state !== "exited" || !snapshot.lastExit) return;
    for (const resolve of this.#ends) resolve(snapshot.lastExit);
    this.#ends.clear();
  }

  /** Lines of the judge's log, with its numbers and times. */
  append(lines: readonly LogLine[]): void {
    for (const line of lines) {
      this.log.append(line.text);
      this.log.lines[this.log.lines.length - 1] = line;
    }
  }

  exited(): Promise<Exit> {
    if (this.state === "exited" && this.lastExit) return Promise.resolve(this.lastExit);
    return new Promise((resolve) => this.#ends.add(resolve));
  }

  async exec(command: readonly string[], options: ExecOptions = {}): Promise<ToolResult> {
    const { input, timeout } = options;
    return (await this.#call(this.id, "exec", [command, { input, timeout }])) as ToolResult;
  }

  async readFile(path: string): Promise<Uint8Array> {
    return (await this.#call(this.id, "readFile", [path])) as Uint8Array;
  }

  async writeFile(path: string, content: string | Uint8Array, mode?: number): Promise<void> {
    await this.#call(this.id, "writeFile", [path, content, mode]);
  }

  async signal(signal: BrokerSignal): Promise<void> {
    await this.#call(this.id, "signal", [signal]);
  }

  async stop(): Promise<Exit> {
    return (await this.#call(this.id, "stop", [])) as Exit;
  }

  async kill(): Promise<Exit> {
    return (await this.#call(this.id, "kill", [])) as Exit;
  }

  async start(): Promise<void> {
    await this.#call(this.id, "start", []);
  }

  async pause(): Promise<void> {
    await this.#call(this.id, "pause", []);
  }

  async resume(): Promise<void> {
    await this.#call(this.id, "resume", []);
  }

  async remove(): Promise<void> {
    await this.#call(this.id, "remove", []);
    this.log.end();
  }

  addressFor(port: number): string {
    const address = this.#snapshot.addresses[port];
    if (address !== undefined) return address;
    throw new LabError(
      "BAD_ARGUMENT",
      `${this.name} has no listener on port ${port}`,
      `its configuration opens ${this.listeners.map((one) => one.port).join(", ") || "none"}`,
    );
  }
}
