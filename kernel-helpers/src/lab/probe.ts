import type { EngineKind } from "../brokers/engine";
import type { BrokerSpec } from "../brokers/spec";
import { Expectations } from "../checks/expect";
import { Seeded } from "../checks/seeded";
import { LabError } from "../core/errors";
import type { LabClient, LabClientOptions } from "../mqtt/client";
import { openClient } from "../mqtt/client";
import type { RawClient } from "../mqtt/raw";
import { openRaw } from "../mqtt/raw";
import type { Tap, TapOptions } from "../mqtt/tap";
import { openTap } from "../mqtt/tap";
import { Broker } from "./broker";
import type { Host } from "./host";

/** What a probe of a check is opened on. */
export type ProbeTarget = { readonly url: string } | string;

export interface ProbeSetting {
  readonly host: Host;
  /** Topics, ids and numbers come from it: the same seed, the same check. */
  readonly seed: string;
  /** Mosquitto's version that the check is about. */
  readonly version: string;
  /** When grading: whether an address is one of the judge's own. */
  readonly owns?: (url: string) => boolean;
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
  readonly #endings: (() => Promise<unknown>)[] = [];
  #closed = false;

  /** @internal */
  constructor(setting: ProbeSetting) {
    super();
    this.#setting = setting;
    this.#random = new Seeded(setting.seed);
    this.engine = setting.host.engine;
    this.version = setting.version;
  }

  /** A random client id: `probe-1f9a03c2`. */
  id(prefix = "probe"): string {
    return `${prefix}-${this.#random.word()}`;
  }

  /** A random topic: `probe/1f9a03c2`. */
  topic(prefix = "probe"): string {
    return `${prefix}/${this.#random.word()}`;
  }

  /** A random whole number, both ends included. */
  integer(low: number, high: number): number {
    return this.#random.integer(low, high);
  }

  /** A connected client with a random id, subscribed to what `subscribe` names (at QoS 2, so that nothing is lowered). */
  async client(
    target: ProbeTarget,
    options: LabClientOptions & { subscribe?: string | readonly string[] } = {},
  ): Promise<LabClient> {
    const { subscribe, ...rest } = options;
    const client = await this.#own(openClient(this.#reach(target), { clientId: this.id(), ...rest }), (one) =>
      one.close(),
    );
    if (subscribe?.length) {
      await client.mqtt.subscribeAsync(typeof subscribe === "string" ? subscribe : [...subscribe], { qos: 2 });
    }
    return client;
  }

  /** A TCP connection that speaks byte by byte. */
  async raw(target: ProbeTarget): Promise<RawClient> {
    return this.#own(openRaw(this.#reach(target)), (one) => one.close());
  }

  async tap(target: ProbeTarget, options: TapOptions = {}): Promise<Tap> {
    return this.#own(openTap({ url: this.#reach(target) }, options), (one) => one.close());
  }

  /** A broker of the check's own, for instance from a learner's configuration text. Its name is made unique. */
  async broker(spec: BrokerSpec = {}): Promise<Broker> {
    const name = `${spec.name ?? "probe"}-${this.#random.word().slice(0, 4)}`;
    const inner = await this.#own(this.#setting.host.start({ ...spec, name }), (one) => one.remove());
    return new Broker(inner, async () => undefined);
  }

  /** Ends every probe. Failures to end are no verdict on the learner: they are returned for whoever runs the check. */
  async close(): Promise<unknown[]> {
    this.#closed = true;
    const failures: unknown[] = [];
    for (let end = this.#endings.pop(); end; end = this.#endings.pop()) {
      await end().catch((error: unknown) => failures.push(error));
    }
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
    if (this.#setting.owns && !this.#setting.owns(url)) {
      throw new LabError(
        "BAD_ARGUMENT",
        `${url.slice(0, 100)} is none of this lab's brokers`,
        "start the broker with lab.broker: a check looks at no other",
      );
    }
    return url;
  }
}
