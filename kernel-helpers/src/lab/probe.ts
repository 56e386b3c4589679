import type { EngineBroker, EngineKind, Link } from "../brokers/engine";
import type { BrokerSpec } from "../brokers/spec";
import type { Authority } from "../certs/authority";
import { Expectations } from "../checks/expect";
import { Seeded } from "../checks/seeded";
import { LabError } from "../core/errors";
import type { LabClient, LabClientOptions } from "../mqtt/client";
import { openClient } from "../mqtt/client";
import type { RawClient } from "../mqtt/raw";
import { openRaw } from "../mqtt/raw";
import type { Tap, TapOptions } from "../mqtt/tap";
import { openTap } from "../mqtt/tap";
import { type BridgeTap, type BridgeTapOptions, notABroker, reachable } from "./bridge-tap";
import { Broker } from "./broker";
import type { Host } from "./host";

const RUNNING = /mosquitto version \S+ running/;

/** What a probe of a check is opened on. */
export type ProbeTarget = { readonly url: string } | string;

export interface ProbeSetting {
  readonly host: Host;
  /** Topics, ids and numbers come from it: the same seed, the same check. */
  readonly seed: string;
  /** Mosquitto's version that the check is about. */
  readonly version: string;
  /** A file of the lab's material, as the course has it. */
  readonly material?: (name: string) => string;
  /** When grading: whether an address is one of the judge's own. */
  readonly owns?: (url: string) => boolean;
  /** When grading: a broker that the check itself started is the judge's own, too. */
  readonly onBroker?: (broker: EngineBroker) => Promise<void>;
  /** When grading: so is its tap. */
  readonly onTap?: (url: string) => Promise<void>;
}

/**
 * `t`: the assertions of a check, and its own probes. What it opens ends with the check, whatever happens.
 * Topics and ids are random, so that an answer cannot be written for one of them.
 */
export class Probe extends Expectations {
  readonly engine: EngineKind;
  /** "2.1.2": of the first broker the check was given, else of what this engine runs. */
  readonly version: string;
  readonly #setting: ProbeSetting;
  readonly #random: Seeded;
  readonly #topics = new Map<string, string>();
  readonly #brokers = new Map<string, () => Promise<void>>();
  readonly #volumes = new Set<string>();
  readonly #taps = new Set<string>();
  readonly #mark: string;
  readonly #endings: (() => Promise<unknown>)[] = [];
  #count = 0;
  #closed = false;

  /** @internal */
  constructor(setting: ProbeSetting) {
    super();
    this.#setting = setting;
    this.#random = new Seeded(setting.seed);
    this.#mark = this.#random.word().slice(0, 6);
    this.engine = setting.host.engine;
    this.version = setting.version;
  }

  /** A random client id, a new one each time: `probe-1f9a03c2`. */
  id(prefix = "probe"): string {
    return `${prefix}-${this.#random.word()}`;
  }

  /** A random topic: `probe/1f9a03c2`. The same prefix again gives the same topic. */
  topic(prefix = "probe"): string {
    const topic = this.#topics.get(prefix) ?? `${prefix}/${this.#random.word()}`;
    this.#topics.set(prefix, topic);
    return topic;
  }

  /** A random whole number, both ends included. */
  integer(low: number, high: number): number {
    return this.#random.integer(low, high);
  }

  /**
   * A file of the lab's material as the course has it: what cells have read of it is theirs to change.
   * @throws LabError BAD_ARGUMENT with the names that there are.
   */
  material(name: string): string {
    if (this.#setting.material) return this.#setting.material(name);
    throw new LabError("BAD_ARGUMENT", "this check has no lab with material", "run it with lab.check");
  }

  /** A connected client with a random id, subscribed to what `subscribe` names (at QoS 2, so that nothing is lowered). */
  async client(
    target: ProbeTarget,
    options: LabClientOptions & { subscribe?: string | readonly string[] } = {},
  ): Promise<LabClient> {
    const { subscribe, ...rest } = options;
    const opening = openClient(this.#reach(target), { clientId: this.id(), ...rest });
    const client = await this.#own(opening, (one) => one.close());
    if (subscribe?.length) {
      await client.mqtt.subscribeAsync(typeof subscribe === "string" ? subscribe : [...subscribe], { qos: 2 });
    }
    return client;
  }

  /**
   * Tries to connect and says what came back: "CONNACK 0x00", "CONNACK 0x87", "no listener on port 1883", or that the
   * connection ended without a packet. Never throws for what a broker does.
   */
  async connect(
    broker: Broker,
    port: number,
    protocol: "mqtt" | "websockets" = "mqtt",
    options: LabClientOptions = {},
  ): Promise<string> {
    const listener = broker.listeners[port];
    if (!listener) return `no listener on port ${port}`;
    const scheme = `${protocol === "mqtt" ? "mqtt" : "ws"}${listener.tls ? "s" : ""}`;
    const url = `${scheme}://${listener.host.includes(":") ? `[${listener.host}]` : listener.host}:${listener.hostPort}`;
    try {
      const client = await openClient(this.#reach(url), { clientId: this.id(), timeout: 3_000, ...options });
      await client.close();
      return "CONNACK 0x00";
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      const code = error.code === "CONNECT_REFUSED" ? /0x[0-9a-f]{2}/i.exec(error.message)?.[0] : undefined;
      return code ? `CONNACK 0x${code.slice(2).toUpperCase()}` : error.message;
    }
  }

  /**
   * Whether Mosquitto came up with its configuration. Its start-up log becomes evidence; when it refused, a row says so
   * in its own words, and they are the next place to look. Without it no later row of a check means anything.
   */
  async started(broker: Broker): Promise<boolean> {
    const log = await this.startUp(broker);
    this.evidence("What the broker logged", log);
    if (log.some((line) => RUNNING.test(line))) return true;
    const why = log.filter((line) => /error|unable|invalid|unknown/i.test(line)).slice(-2);
    const said = why.join(" ") || log.at(-1) || "it logged nothing";
    this.lookAt(`the broker stopped while it read the configuration. Mend that first: ${said}`);
    return this.fail("Mosquitto starts with this configuration", "it runs", `it ended: ${said}`);
  }

  /** What a broker logged until it ran, or ended. Our own readiness probes and lists of features are left out. */
  async startUp(broker: Broker, lines = 12): Promise<string[]> {
    // A broker that never says "running" has said why: then the log is the evidence all the same.
    const end = await Promise.race([
      broker.logs.until(RUNNING, { timeout: 5_000 }).catch(() => undefined),
      broker.exited().then(() => undefined),
    ]);
    const shown = broker.logs.lines.filter(
      (line) => !line.probe && (!end || line.number <= end.number) && !/support (?:NOT )?available\.?$/.test(line.text),
    );
    return shown.slice(-lines).map((line) => line.text.replace(/^\d+: /, ""));
  }

  /** A TCP connection that speaks byte by byte. */
  async raw(target: ProbeTarget): Promise<RawClient> {
    return this.#own(openRaw(this.#reach(target)), (one) => one.close());
  }

  /** @param options.bridges the tap stands on a bridge's way: `address ${tap.addressFor(leaf)}`. */
  async tap(target: Broker, options: TapOptions & BridgeTapOptions): Promise<BridgeTap>;
  async tap(target: ProbeTarget, options?: TapOptions): Promise<Tap>;
  async tap(target: ProbeTarget, options: TapOptions & Partial<BridgeTapOptions> = {}): Promise<Tap> {
    const { bridges, most, ...rest } = options;
    if (bridges && !(target instanceof Broker)) throw notABroker();
    const tap = await this.#own(openTap({ url: this.#reach(target) }, rest), (one) => one.close());
    this.#taps.add(tap.url);
    await this.#setting.onTap?.(tap.url);
    if (!bridges || !(target instanceof Broker)) return tap;
    const name = `tap-${++this.#count}-${this.#mark}`;
    return this.#own(reachable(this.#setting.host, tap, target, { name, most }), (one) => one.close());
  }

  /** The way between two brokers, to cut and to mend. It is mended when the check is over. */
  link(a: Broker, b: Broker): Promise<Link> {
    return this.#own(this.#setting.host.link(a.inner, b.inner), async (link) => {
      if (link.state === "cut") await link.mend().catch(gone);
    });
  }

  /**
   * A broker of the check's own, for instance from a learner's specification. The same name again replaces the earlier
   * one; a volume outlives it, until the check ends. Names and volumes are none of the learner's.
   */
  async broker(spec: BrokerSpec = {}): Promise<Broker> {
    const name = `${String(spec.name ?? "probe").slice(0, 32)}-${this.#mark}`;
    const volume = spec.volume === undefined ? undefined : `${String(spec.volume).slice(0, 32)}-${this.#mark}`;
    await this.#brokers.get(name)?.();
    if (volume) this.#volumes.add(volume);
    const own = { ...spec, name, ...(volume ? { volume } : {}) };
    const inner = await this.#own(this.#setting.host.start(own), (one) => one.remove());
    this.#brokers.set(name, () => inner.remove());
    await this.#setting.onBroker?.(inner);
    return new Broker(inner, async () => undefined);
  }

  /** An authority that is the check's own: its keys are in this process only, and no broker of a cell trusts it. */
  async authority(name = "probe"): Promise<Authority> {
    const { openAuthority } = await import("../certs/authority");
    return openAuthority(name, "memory");
  }

  /** Ends every probe. Failures to end are no verdict on the learner: they are returned for whoever runs the check. */
  async close(): Promise<unknown[]> {
    this.#closed = true;
    const failures: unknown[] = [];
    const attempt = (end: () => Promise<unknown>) => end().catch((error: unknown) => failures.push(error));
    for (let end = this.#endings.pop(); end; end = this.#endings.pop()) await attempt(end);
    for (const volume of this.#volumes) await attempt(() => this.#setting.host.removeVolume(volume));
    return failures;
  }

  async #own<T>(opening: Promise<T>, end: (one: T) => Promise<unknown> | unknown): Promise<T> {
    // Registered before it is open: a check that runs out of time must not leave behind what was on its way.
    this.#endings.push(async () => {
      const one = await opening.catch(() => undefined);
      if (one !== undefined) await end(one);
    });
    if (this.#closed) {
      await this.close();
      throw new LabError("NOT_IN_A_LAB", "this check is over", "nothing: it ran out of time before");
    }
    return opening;
  }

  #reach(target: ProbeTarget): string {
    const url = typeof target === "string" ? target : target?.url;
    if (typeof url !== "string") {
      throw new LabError(
        "BAD_ARGUMENT",
        "the check was given nothing that a client can connect to",
        "run the cell that starts your broker, then the check",
      );
    }
    if (this.#setting.owns && !this.#setting.owns(url) && !this.#taps.has(url)) {
      throw new LabError(
        "BAD_ARGUMENT",
        `${url.slice(0, 100)} is none of this lab's brokers that run now`,
        "start the broker with lab.broker, and leave it running: a check looks at no other",
      );
    }
    return url;
  }
}

/** A link whose broker was removed has ended with it. */
function gone(error: unknown): void {
  if (!(error instanceof LabError && error.code === "NOT_IN_A_LAB")) throw error;
}
