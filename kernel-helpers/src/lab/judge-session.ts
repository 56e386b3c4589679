import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { Door, EngineBroker, Link } from "../brokers/engine";
import { checkedName } from "../brokers/plan";
import type { BrokerSpec } from "../brokers/spec";
import type { Encoded, HandleKind } from "../checks/exchange";
import type { Outcome } from "../checks/outcome";
import { Partner } from "../checks/partner";
import { Peer } from "../checks/peer";
import { LabError } from "../core/errors";
import type { PacketFilter, Tap } from "../mqtt/tap";
import type { HereHost } from "./host";
import { allowed, execOptions, JudgeBroker } from "./judge-broker";
import type { HelloAnswer } from "./judge-protocol";

/** How many things a graded notebook may have open at once: no honest one comes near. */
const MOST = { brokers: 24, taps: 32, links: 32, doors: 16, volumes: 24 };
/** How long a connection may stand without its token, in milliseconds. */
const TOKEN_LIMIT = 5_000;

export interface JudgeSide {
  /** Whether this token opens the door; it does so once. */
  admit(token: string): boolean;
  host(): Promise<HereHost>;
  /** Ends all that the lab has open: the notebook opened it again. */
  renew(): Promise<void>;
  check(id: string, given: () => unknown, host: HereHost): Promise<Outcome>;
  /** Sees to it that the kernel can connect to a port of this machine. */
  reach(port: number): Promise<void>;
  /** Sees to it that a port of the kernel's is there at this machine, too. */
  expose(port: number): Promise<void>;
}

type Args = Record<string, unknown>;

/** The judge's end of the connection with one graded kernel. Whatever comes from there may be a lie. */
export class JudgeSession {
  readonly #side: JudgeSide;
  readonly #peer: Peer;
  readonly #partner: Partner;
  readonly #brokers = new Map<string, JudgeBroker>();
  readonly #taps = new Map<string, Tap>();
  /** By tap: what was recorded until then (milliseconds since 1970) the learner has cleared. */
  readonly #cleared = new Map<string, number>();
  readonly #links = new Map<string, Link>();
  readonly #doors = new Map<string, Door>();
  /**
   * "host:port" of every broker and tap of the judge's, and whether it is served now: on the port of a broker that has
   * ended anybody may listen.
   */
  readonly #addresses = new Map<string, () => boolean>();
  /** Named volumes of this kernel's: two learners' may have the same name, and none outlives its kernel. */
  readonly volumes = new Set<string>();
  readonly #mark = randomBytes(4).toString("hex");
  #admitted = false;
  #next = 1;

  constructor(socket: Socket, side: JudgeSide) {
    this.#side = side;
    const impatience = setTimeout(() => this.#peer.close("no token"), TOKEN_LIMIT);
    impatience.unref();
    this.#peer = new Peer(socket, {
      calls: this.#calls(),
      notes: {
        token: (token) => {
          clearTimeout(impatience);
          this.#admitted = typeof token === "string" && side.admit(token);
          if (!this.#admitted) this.#peer.close("a wrong token");
        },
      },
    });
    this.#peer.onClose(() => clearTimeout(impatience));
    this.#partner = new Partner({
      peer: this.#peer,
      refer: (value) => this.#refer(value),
      resolve: (kind, id) => this.#resolve(kind, id),
    });
  }

  end(): void {
    this.#peer.close("the judge is done");
    for (const tap of this.#taps.values()) void tap.close();
  }

  /** Whether an address is that of a broker of the judge's own that runs, or of a tap before one. */
  owns(url: string): boolean {
    return this.#addresses.get(addressOf(url) ?? "")?.() ?? false;
  }

  /** A broker that a check started. */
  async ownBroker(broker: EngineBroker): Promise<void> {
    for (const { url, hostPort } of broker.listeners) {
      this.#addresses.set(addressOf(url) ?? "", () => broker.state !== "exited");
      await this.#side.reach(hostPort);
    }
  }

  /** A tap that a check opened: the learner's functions may be sent there. */
  async reachTap(url: string): Promise<void> {
    await this.#side.reach(Number(new URL(url).port));
  }

  #calls(): Record<string, (encoded: Encoded) => Promise<Encoded>> {
    const calls: Record<string, (args: Args) => Promise<unknown>> = {
      hello: () => this.#hello(),
      start: (args) => this.#start(args.spec),
      follow: async (args) => this.#broker(args.id).follow(),
      broker: async (args) => {
        const list = Array.isArray(args.args) ? args.args : [];
        const answer = await this.#broker(args.id).call(args.method, list);
        if (args.method === "remove") this.#brokers.delete(String(args.id));
        return answer;
      },
      tool: (args) => this.#tool(Object(args.request) as Args, args.options),
      link: (args) => this.#link(args),
      linkDo: async (args) => {
        const link = this.#links.get(String(args.id));
        await (args.to === "cut" ? link?.cut() : link?.mend());
      },
      door: (args) => this.#door(args),
      closeDoor: async (args) => {
        await this.#doors.get(String(args.id))?.remove();
        this.#doors.delete(String(args.id));
      },
      tap: (args) => this.#tap(args.url),
      closeTap: (args) => this.#closeTap(String(args.id)),
      clearTap: async (args) => {
        if (typeof args.epoch === "number") this.#cleared.set(String(args.id), args.epoch);
      },
      removeVolume: async (args) => (await this.#side.host()).removeVolume(this.#volume(args.name)),
      close: () => this.#renew(),
    };
    const served: Record<string, (encoded: Encoded) => Promise<Encoded>> = {};
    for (const [name, call] of Object.entries(calls)) {
      served[name] = async (encoded) => {
        this.#guard();
        return this.#partner.encode(await call(Object(this.#partner.decode(encoded)) as Args));
      };
    }
    served.check = (encoded) => this.#check(encoded);
    served.function = (encoded) => {
      this.#guard();
      return this.#partner.serve(encoded);
    };
    return served;
  }

  #guard(): void {
    if (!this.#admitted) throw new Error("no token");
  }

  async #hello(): Promise<HelloAnswer> {
    await this.#renew();
    const { probe, notices } = await this.#side.host();
    const { kind, summary, mosquitto, can } = probe;
    return { kind, summary, mosquitto, can: [...can], notices };
  }

  async #renew(): Promise<void> {
    for (const tap of this.#taps.values()) await tap.close();
    this.#taps.clear();
    this.#cleared.clear();
    this.#brokers.clear();
    this.#links.clear();
    this.#doors.clear();
    this.#addresses.clear();
    await this.#side.renew();
  }

  async #start(spec: unknown): Promise<unknown> {
    atMost(this.#brokers.size, MOST.brokers, "brokers");
    const host = await this.#side.host();
    const { volume, ...wanted } = tamed(spec);
    const own = volume === undefined ? {} : { volume: this.#volume(volume) };
    const inner = await host.start({ ...wanted, ...own }, (line) => this.#peer.note("progress", line));
    const broker = new JudgeBroker(`${this.#next++}`, inner, (name, args) => this.#peer.note(name, args));
    this.#brokers.set(broker.id, broker);
    await this.ownBroker(inner);
    return broker.snapshot;
  }

  #volume(name: unknown): string {
    const own = `${checkedName(String(name), "a volume").slice(0, 31)}-${this.#mark}`;
    if (!this.volumes.has(own)) atMost(this.volumes.size, MOST.volumes, "volumes");
    this.volumes.add(own);
    return own;
  }

  async #tool(request: Args, options: unknown): Promise<unknown> {
    const host = await this.#side.host();
    const { files, mosquitto } = tamed(request);
    const collect = Array.isArray(request.collect) ? request.collect.filter((one) => typeof one === "string") : [];
    return host.tool({ command: allowed(request.command), files, mosquitto, collect }, execOptions(options));
  }

  async #link(args: Args): Promise<string> {
    atMost(this.#links.size, MOST.links, "links");
    const host = await this.#side.host();
    const id = `${this.#next++}`;
    this.#links.set(id, await host.link(this.#broker(args.a).inner, this.#broker(args.b).inner));
    return id;
  }

  /** A way for the judge's brokers to a port of the kernel's: a tap on a bridge, a service of the learner's. */
  async #door(args: Args): Promise<{ id: string; address: string }> {
    atMost(this.#doors.size, MOST.doors, "doors");
    const { port, target } = args;
    if (![port, target].every((one) => Number.isInteger(one) && Number(one) > 0 && Number(one) < 65_536)) {
      throw new LabError("BAD_ARGUMENT", "a door leads from a port to a port", "give both as numbers from 1 to 65535");
    }
    const host = await this.#side.host();
    await this.#side.expose(Number(target));
    const door = await host.door(
      {
        name: String(args.name),
        port: Number(port),
        target: { host: "127.0.0.1", port: Number(target) },
        ...(args.behind === undefined ? {} : { behind: this.#broker(args.behind).inner }),
      },
      (line) => this.#peer.note("progress", line),
    );
    const id = `${this.#next++}`;
    this.#doors.set(id, door);
    return { id, address: door.address };
  }

  async #tap(url: unknown): Promise<{ id: string; url: string }> {
    atMost(this.#taps.size, MOST.taps, "taps");
    if (typeof url !== "string" || !this.#addresses.has(addressOf(url) ?? "")) {
      throw new LabError(
        "BAD_ARGUMENT",
        "a tap stands before a broker or a tap of the lab's own",
        "give lab.tap what lab.broker returned",
      );
    }
    const tap = await (await this.#side.host()).tap({ url });
    const id = `${this.#next++}`;
    this.#taps.set(id, tap);
    this.#addresses.set(addressOf(tap.url) ?? "", () => this.owns(url));
    await this.reachTap(tap.url);
    return { id, url: tap.url };
  }

  async #closeTap(id: string): Promise<void> {
    const tap = this.#taps.get(id);
    this.#taps.delete(id);
    await tap?.close();
  }

  async #check(encoded: Encoded): Promise<Encoded> {
    this.#guard();
    const message = Object(encoded) as { id?: unknown; given?: Encoded };
    const host = await this.#side.host();
    const outcome = await this.#side.check(String(message.id), () => this.#partner.decode(message.given), host);
    return this.#partner.encode(outcome);
  }

  #broker(id: unknown): JudgeBroker {
    const broker = this.#brokers.get(String(id));
    if (broker) return broker;
    throw new LabError("NOT_IN_A_LAB", "this broker is gone", "run the cell that starts it again");
  }

  #refer(value: object): { kind: HandleKind; id: string } | undefined {
    for (const broker of this.#brokers.values()) if (broker.handle === value) return { kind: "broker", id: broker.id };
    for (const [id, tap] of this.#taps) if (tap === value) return { kind: "tap", id };
    return undefined;
  }

  #resolve(kind: HandleKind, id: string): unknown {
    if (kind === "broker") return this.#brokers.get(id)?.handle;
    const tap = this.#taps.get(id);
    return tap && since(tap, this.#cleared.get(id) ?? 0);
  }
}

/**
 * A tap without what was recorded until a moment. The kernel clears its own tap; clearing this one at the message would
 * be too late, packets that count may have passed meanwhile.
 */
function since(tap: Tap, epoch: number): Tap {
  if (epoch === 0) return tap;
  const later = () => tap.packets.filter((record) => record.epoch > epoch);
  return new Proxy(tap, {
    get: (target, key) => {
      if (key === "packets") return later();
      const value = Reflect.get(target, key, target) as unknown;
      if (key === "select")
        return (filter: PacketFilter) => tap.select(filter).filter((record) => record.epoch > epoch);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A specification without what would reach beyond the broker: its process is the judge's child. */
function tamed(spec: unknown): BrokerSpec {
  const { name, conf, files, volume, mosquitto, env, ready, timeout } = Object(spec) as BrokerSpec;
  const harmless = Object.entries(Object(env) as Record<string, string>).filter(([key]) =>
    key.startsWith("MOSQUITTO_"),
  );
  const patience = typeof timeout === "number" ? Math.min(timeout, 60_000) : undefined;
  const given = { name, conf, files, volume, mosquitto, ready, timeout: patience };
  const defined = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(defined), ...(harmless.length ? { env: Object.fromEntries(harmless) } : {}) };
}

function atMost(have: number, most: number, what: string): void {
  if (have >= most) throw new LabError("BAD_ARGUMENT", `${most} ${what} at once is the most`, "close some first");
}

function addressOf(url: string): string | undefined {
  try {
    const { hostname, port, protocol } = new URL(url);
    return /^(mqtts?|wss?|https?|tcp):$/.test(protocol) && port ? `${hostname}:${port}` : undefined;
  } catch {
    return undefined;
  }
}
