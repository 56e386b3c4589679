import type { EngineBroker, EngineKind, ExecOptions, Exit, Listener, ToolResult } from "../brokers/engine";
import { LabError } from "../core/errors";
import type { LogBook } from "../core/log-book";

/** Files of a broker by the container's paths: absolute, or relative to /mosquitto/config. */
export interface BrokerFiles {
  /** @throws LabError BAD_ARGUMENT when there is no such file. */
  read(path: string): Promise<string>;
  bytes(path: string): Promise<Uint8Array>;
  /** Replaces a file's content. A running broker reads most files again at `reload()`. */
  write(path: string, content: string | Uint8Array): Promise<void>;
}

/**
 * A running Mosquitto. Made by `lab.broker`, ends with its lab.
 *
 * `kill` loses what wasn't saved, `stop` saves what persistence is configured to save, `restart` is stop and start on
 * the same ports, `pause` freezes it (connections stay, nothing answers) until `resume`.
 */
export class Broker {
  readonly #inner: EngineBroker;
  readonly #beforeEnd: () => Promise<void>;

  /** @internal */
  constructor(inner: EngineBroker, beforeEnd: () => Promise<void>) {
    this.#inner = inner;
    this.#beforeEnd = beforeEnd;
  }

  get name(): string {
    return this.#inner.name;
  }

  /** Mosquitto's own version, as it states it: "2.1.2". */
  get version(): string {
    return this.#inner.version;
  }

  get engine(): EngineKind {
    return this.#inner.engine;
  }

  get state(): EngineBroker["state"] {
    return this.#inner.state;
  }

  /** How the program ended last; null while it runs. */
  get lastExit(): Exit | null {
    return this.#inner.lastExit;
  }

  /**
   * Where clients on this machine reach the first MQTT listener: "mqtt://127.0.0.1:49153".
   * @throws LabError BAD_ARGUMENT when the configuration has no such listener.
   */
  get url(): string {
    const listener = this.#inner.listeners.find((one) => one.protocol === "mqtt") ?? this.#inner.listeners[0];
    if (!listener) {
      throw new LabError(
        "BAD_ARGUMENT",
        `${this.name} has no listener that this machine can reach`,
        "add a line such as `listener 1883` to its configuration",
      );
    }
    return listener.url;
  }

  /** Listeners by the port in the configuration: `broker.listeners[9001].url`. */
  get listeners(): Record<number, Listener> {
    const byPort: Record<number, Listener> = {};
    for (const listener of this.#inner.listeners) byPort[listener.port] = listener;
    return byPort;
  }

  /** Every line Mosquitto has logged: `broker.logs.until(/running/)`, `for await (const line of broker.logs)`. */
  get logs(): LogBook {
    return this.#inner.log;
  }

  readonly files: BrokerFiles = {
    read: async (path) => new TextDecoder().decode(await this.#inner.readFile(inConfig(path))),
    bytes: (path) => this.#inner.readFile(inConfig(path)),
    write: (path, content) => this.#inner.writeFile(inConfig(path), content),
  };

  /** Runs one of the broker's own programs beside it: `broker.exec("mosquitto_sub", "-t", "a", "-C", "1")`. */
  exec(program: string, ...args: (string | ExecOptions)[]): Promise<ToolResult> {
    const last = args.at(-1);
    const options = typeof last === "object" ? last : undefined;
    const words = args.filter((word): word is string => typeof word === "string");
    return this.#inner.exec([program, ...words], options);
  }

  /** SIGHUP: Mosquitto reads its configuration, password, ACL and certificate files again. Connections stay. */
  reload(): Promise<void> {
    return this.#inner.signal("SIGHUP");
  }

  /** SIGUSR1: Mosquitto writes its persistence file now. */
  save(): Promise<void> {
    return this.#inner.signal("SIGUSR1");
  }

  stop(): Promise<Exit> {
    return this.#inner.stop();
  }

  kill(): Promise<Exit> {
    return this.#inner.kill();
  }

  start(): Promise<void> {
    return this.#inner.start();
  }

  async restart(): Promise<void> {
    await this.#inner.stop();
    await this.#inner.start();
  }

  pause(): Promise<void> {
    return this.#inner.pause();
  }

  resume(): Promise<void> {
    return this.#inner.resume();
  }

  /** Resolves at the next end of the program, at once when it has ended. */
  exited(): Promise<Exit> {
    return this.#inner.exited();
  }

  /** "host:port" for a bridge in another broker of this lab: `address ${hub.addressFor(leaf)}`. */
  addressFor(_peer?: Broker | string, port?: number): string {
    return this.#inner.addressFor(port ?? this.#inner.listeners.find((one) => one.protocol === "mqtt")?.port ?? 1883);
  }

  /**
   * Ends it as a deployment does, with SIGTERM, and removes all that is its own: clients and taps on it, files, data.
   * A named volume stays.
   */
  async remove(): Promise<void> {
    await this.#beforeEnd();
    if (this.state === "running") await this.#inner.stop();
    await this.#inner.remove();
  }

  /** @internal */
  get inner(): EngineBroker {
    return this.#inner;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const urls = this.#inner.listeners.map((one) => one.url).join(" · ") || "no listener within reach";
    const state = this.state === "running" ? "" : ` · ${this.state}`;
    return `${this.name}: mosquitto ${this.version} · ${this.engine}${state} · ${urls}`;
  }
}

/** Where a broker finds a file: paths are relative to /mosquitto/config. */
export function inConfig(path: string): string {
  return path.startsWith("/") ? path : `/mosquitto/config/${path}`;
}
