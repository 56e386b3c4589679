import type { EngineBroker } from "../brokers/engine";
import type { Encoded } from "../checks/exchange";
import { LabError } from "../core/errors";
import { Broker } from "./broker";
import { BROKER_CALLS, type BrokerCall, type BrokerSnapshot } from "./judge-protocol";

/** Programs that a graded cell may run through the judge: Mosquitto's own, and a look at files. Nothing else of the judge's. */
const PROGRAMS = /^(mosquitto_(passwd|ctrl|sub|pub|rr|signal)|cat|ls)$/;
/** Lines that are sent of one broker: a flood stays in the judge. */
const LOG_LIMIT = 20_000;

export type Note = (name: "log" | "state", args: Encoded) => void;

/** A broker that the judge owns, and its news for the kernel that asked for it. */
export class JudgeBroker {
  readonly id: string;
  readonly inner: EngineBroker;
  readonly handle: Broker;
  readonly #note: Note;
  #following = false;
  #watching = false;
  #sent = 0;

  constructor(id: string, inner: EngineBroker, note: Note) {
    this.id = id;
    this.inner = inner;
    this.handle = new Broker(inner, async () => undefined);
    this.#note = note;
  }

  get snapshot(): BrokerSnapshot {
    const { name, engine, version, listeners, state, lastExit } = this.inner;
    const addresses: Record<string, string> = {};
    for (const { port } of listeners) addresses[port] = this.inner.addressFor(port);
    return { id: this.id, name, engine, version, listeners, state, lastExit, addresses };
  }

  /** From now on the kernel hears of log lines and of the broker's end. */
  follow(): void {
    if (this.#following) return;
    this.#following = true;
    void this.#followLog();
    this.#watchEnd();
  }

  /** Runs a method; the kernel has its news before the answer. */
  async call(method: unknown, args: readonly unknown[]): Promise<unknown> {
    if (!BROKER_CALLS.includes(method as BrokerCall)) throw new Error("a broker has no such call");
    try {
      return await this.#run(method as BrokerCall, args);
    } finally {
      this.#news();
      this.#watchEnd();
    }
  }

  #run(method: BrokerCall, args: readonly unknown[]): Promise<unknown> {
    const broker = this.inner;
    switch (method) {
      case "exec":
        return broker.exec(allowed(args[0]), execOptions(args[1]));
      case "readFile":
        return broker.readFile(text(args[0]));
      case "writeFile":
        return broker.writeFile(text(args[0]), content(args[1]), mode(args[2]));
      case "signal":
        return broker.signal(signalName(args[0]));
      default:
        return broker[method]();
    }
  }

  async #followLog(): Promise<void> {
    for await (const _line of this.inner.log) this.#lines();
  }

  #watchEnd(): void {
    if (this.#watching || !this.#following || this.inner.state === "exited") return;
    this.#watching = true;
    void this.inner.exited().then(() => {
      this.#watching = false;
      this.#news();
    });
  }

  #news(): void {
    if (!this.#following) return;
    this.#lines();
    this.#note("state", this.snapshot as unknown as Encoded);
  }

  #lines(): void {
    const upTo = Math.min(this.inner.log.lines.length, LOG_LIMIT);
    if (upTo <= this.#sent) return;
    const lines = this.inner.log.lines.slice(this.#sent, upTo);
    this.#sent = upTo;
    this.#note("log", { id: this.id, lines } as unknown as Encoded);
  }
}

/** @throws LabError BAD_ARGUMENT for a program that is none of a broker's. */
export function allowed(command: unknown): readonly string[] {
  if (!Array.isArray(command) || !command.every((word) => typeof word === "string")) {
    throw new LabError("BAD_ARGUMENT", "a command is a list of words", 'write broker.exec("mosquitto_sub", "-t", "a")');
  }
  if (!PROGRAMS.test(command[0] ?? "")) {
    throw new LabError(
      "BAD_ARGUMENT",
      `${String(command[0]).slice(0, 60)} cannot be run while the notebook is graded`,
      "use the broker's own programs: mosquitto_passwd, mosquitto_ctrl, mosquitto_sub, mosquitto_pub",
    );
  }
  return command as string[];
}

export function execOptions(options: unknown): { input?: string; timeout?: number } {
  const { input, timeout } = Object(options) as { input?: unknown; timeout?: unknown };
  return {
    ...(typeof input === "string" ? { input } : {}),
    ...(typeof timeout === "number" && timeout > 0 ? { timeout: Math.min(timeout, 30_000) } : {}),
  };
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  throw new LabError("BAD_ARGUMENT", "a path is a text", 'write broker.files.read("passwd")');
}

function content(value: unknown): string | Uint8Array {
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  throw new LabError("BAD_ARGUMENT", "a file's content is text or bytes", 'write broker.files.write("acl", "topic #")');
}

const mode = (value: unknown): number | undefined => (typeof value === "number" ? value & 0o777 : undefined);

function signalName(value: unknown): "SIGHUP" | "SIGUSR1" | "SIGUSR2" | "SIGTERM" {
  if (value === "SIGHUP" || value === "SIGUSR1" || value === "SIGUSR2" || value === "SIGTERM") return value;
  throw new LabError("BAD_ARGUMENT", "Mosquitto knows no such signal", "use reload, save, stop or kill");
}
