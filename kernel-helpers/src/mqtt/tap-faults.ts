import { performance } from "node:perf_hooks";
import { LabError } from "../core/errors";
import { type Direction, PACKET_TYPES } from "./packet";
import { Gate } from "./tap-outlet";
import { type FaultKind, filterTest, type PacketFilter, type PacketRecord } from "./tap-record";

/** Which packets a fault meets, beside its filter. */
export interface FaultOptions {
  /** After so many packets it is off. Default 1: the first that fits. Infinity: all. */
  readonly count?: number;
  readonly direction?: Direction;
  /** A client id. */
  readonly client?: string;
  /** A connection's number. */
  readonly connection?: number;
}

/** A fault that a tap was told to make. */
export interface TapFault {
  readonly kind: FaultKind;
  /** How many packets it has met; of a cut or freeze without a filter, how many connections. */
  readonly count: number;
  /** Whether it waits for more. */
  readonly armed: boolean;
  /** What the filter threw; then the fault is off. */
  readonly error?: unknown;
  /** Ends it. What it made wait goes on its way. Safe to call twice. */
  off(): void;
}

export interface HeldPackets extends TapFault {
  /** Lets go what was held until now, in its order. The fault stays armed when its count isn't reached. */
  release(): void;
}

export interface FrozenConnections extends TapFault {
  /** The same as `off`: what waited is forwarded, also the end of a side that has gone meanwhile. */
  unfreeze(): void;
}

export interface TapFaults {
  /** Packets never arrive: "drop the first PUBACK towards sensor" is `drop("PUBACK", { client: "sensor", direction: "to-client" })`. */
  drop(filter: PacketFilter, options?: FaultOptions): TapFault;
  /** Packets, and what comes behind them in their direction, arrive `ms` milliseconds later. */
  delay(filter: PacketFilter, options: FaultOptions & { readonly ms: number }): TapFault;
  /** Packets, and what comes behind them in their direction, wait until `release`. Senders are slowed down from 1 MiB on. */
  hold(filter: PacketFilter, options?: FaultOptions): HeldPackets;
  /** The connection ends on both sides, and the packet that fits arrives no more. Without a filter: those that are open, now. */
  cut(filter?: PacketFilter, options?: FaultOptions & { readonly how?: "RST" | "FIN" }): TapFault;
  /**
   * Half-open: the connection stays on both sides, and nothing gets through, no byte, no FIN, no RST. From the packet on
   * that fits; without a filter all connections, now, and new ones as well.
   */
  freeze(filter?: PacketFilter, options?: FaultOptions): FrozenConnections;
  /** One byte changes: the one at `at` (default the last, -1; negative from the end), to `to` (default all its bits inverted). */
  corrupt(filter: PacketFilter, options?: FaultOptions & { readonly at?: number; readonly to?: number }): TapFault;
  /**
   * Packets leave in several writes of `size` bytes (default: two halves), `gap` milliseconds apart (default 10). Of a
   * packet above 64 KiB that is its first 64 KiB. Behind a WebSocket listener each write is a frame, or several.
   */
  split(filter: PacketFilter, options?: FaultOptions & { readonly size?: number; readonly gap?: number }): TapFault;
  /** `count` packets of one connection and direction (default 2), and what comes between them, leave in one write. */
  coalesce(filter: PacketFilter, options?: FaultOptions): TapFault;
}

export interface FaultDetails {
  readonly ms?: number;
  readonly how?: "RST" | "FIN";
  readonly at?: number;
  readonly to?: number;
  readonly size?: number;
  readonly gap?: number;
}

/** What the tap has to do when a fault begins or ends. */
export interface FaultHost {
  disarmed(fault: Fault): void;
  failed(fault: Fault): void;
}

export class Fault implements TapFault {
  count = 0;
  armed = true;
  error?: unknown;
  gate = new Gate();
  /** Of what leaves in one write: which leg's packets it is about. */
  leg: unknown;
  readonly kind: FaultKind;
  /** Without a filter: about connections, not packets. */
  readonly whole: boolean;
  readonly details: FaultDetails;
  readonly #most: number;
  readonly #options: FaultOptions;
  readonly #test: (record: PacketRecord) => boolean;
  readonly #host: FaultHost;

  constructor(
    kind: FaultKind,
    filter: PacketFilter | undefined,
    options: FaultOptions & FaultDetails,
    host: FaultHost,
  ) {
    checkFilter(filter);
    checkOptions(kind, options);
    this.kind = kind;
    this.whole = filter === undefined;
    this.details = options;
    this.#most = options.count ?? (kind === "coalesced" ? 2 : this.whole ? Number.POSITIVE_INFINITY : 1);
    this.#options = options;
    this.#test = filterTest(filter);
    this.#host = host;
  }

  /** Whether this packet is one of those it is about; counts it. */
  meets(record: PacketRecord, leg: unknown): boolean {
    if (!this.armed || (this.leg !== undefined && this.leg !== leg) || !this.about(record)) return false;
    try {
      if (!this.#test(record)) return false;
    } catch (error) {
      this.error = error;
      this.off();
      this.#host.failed(this);
      return false;
    }
    // A filter may end its own fault.
    if (!this.armed) return false;
    this.met();
    return true;
  }

  about({ direction, connection, clientId }: Pick<PacketRecord, "direction" | "connection" | "clientId">): boolean {
    const wanted = this.#options;
    return (
      (wanted.direction ?? direction) === direction &&
      (wanted.connection ?? connection) === connection &&
      (wanted.client ?? clientId) === clientId
    );
  }

  get direction(): Direction {
    return this.#options.direction ?? "to-broker";
  }

  met(): void {
    if (++this.count >= this.#most) this.#disarm();
  }

  release(): void {
    const { gate } = this;
    this.gate = new Gate();
    gate.open();
  }

  /** Ended, not only at its count: a freeze lasts until then. */
  over = false;

  off(): void {
    if (this.over) return;
    this.over = true;
    this.#disarm();
    this.release();
    this.#host.disarmed(this);
  }

  unfreeze(): void {
    this.off();
  }

  /** When the next packet may leave that this fault delays. */
  get due(): number | undefined {
    return this.details.ms === undefined ? undefined : performance.now() + this.details.ms;
  }

  #disarm(): void {
    if (!this.armed) return;
    this.armed = false;
    this.#host.disarmed(this);
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const failed = this.error === undefined ? "" : `, its filter threw: ${String(this.error)}`;
    return `fault: ${this.count} ${this.kind}, ${this.armed ? "armed" : "off"}${failed}`;
  }
}

const KNOWN = new Set<unknown>([...PACKET_TYPES.slice(1), "MALFORMED"]);

function checkFilter(filter: unknown): void {
  const type = typeof filter === "object" && filter !== null ? (filter as { type?: unknown }).type : filter;
  if (type === undefined || typeof type === "function" || KNOWN.has(type)) return;
  throw bad(`${JSON.stringify(type)} is no packet type`, 'give a type such as "PUBACK", a test, or { type: "PUBACK" }');
}

function checkOptions(kind: FaultKind, options: FaultOptions & FaultDetails): void {
  const { count, ms, at, to, size, gap, direction } = options;
  const whole = (value: number | undefined, least: number, most = Number.MAX_SAFE_INTEGER) =>
    value === undefined || (Number.isInteger(value) && value >= least && value <= most);
  if (count !== Number.POSITIVE_INFINITY && !whole(count, 1)) {
    throw bad(`count is ${count}`, "give a whole number from 1 on, or Infinity for all");
  }
  if (kind === "coalesced" && (count === 1 || count === Number.POSITIVE_INFINITY)) {
    throw bad(`${count} packets can't be put together`, "give as count how many packets leave in one write: 2 or more");
  }
  if (direction !== undefined && direction !== "to-broker" && direction !== "to-client") {
    throw bad(`${JSON.stringify(direction)} is no direction`, 'give "to-broker" or "to-client"');
  }
  const times = [kind === "delayed" ? (ms ?? Number.NaN) : 0, gap ?? 0];
  if (!times.every((time) => time >= 0 && time <= 3_600_000)) {
    throw bad("the time is none", "give milliseconds, at most an hour: { ms: 200 }");
  }
  if (!whole(at, Number.MIN_SAFE_INTEGER) || !whole(to, 0, 255)) {
    throw bad("at or to is none", "give the byte's place in the packet as at, and its new value, 0 to 255, as to");
  }
  if (!whole(size, 1)) throw bad(`size is ${size}`, "give how many bytes each write has, 1 or more");
}

const bad = (message: string, hint: string) => new LabError("BAD_ARGUMENT", message, hint);
