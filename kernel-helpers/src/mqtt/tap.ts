import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { LabError } from "../core/errors";
import { type Address, addressOf, type TcpTarget } from "./address";
import { type Agreement, type Decoded, PacketDecoder } from "./codec";
import type { Direction } from "./packet";
import { Relay, type TapConnection } from "./tap-connection";
import { Fault, type FaultDetails, type FaultOptions, type TapFaults } from "./tap-faults";
import { Leg } from "./tap-leg";
import {
  type FaultKind,
  filterTest,
  filterText,
  type Mark,
  type PacketFilter,
  type PacketRecord,
  packetRecord,
  type Seen,
  sha256,
} from "./tap-record";
import { openTerminatingTap, type TapTls } from "./tap-terminate";
import { type TlsAgreement, TlsReader, type TlsRecord } from "./tls-reader";
import { Waiting } from "./waiting";
import { type WebSocketFrame, WebSocketReader } from "./websocket";

export type { TapConnection } from "./tap-connection";
export type { FaultOptions, FrozenConnections, HeldPackets, TapFault, TapFaults } from "./tap-faults";
export type { Corruption, FaultKind, PacketFilter, PacketRecord } from "./tap-record";
export type { Identity, TapTls } from "./tap-terminate";
export type { TlsMessage, TlsRecord } from "./tls-reader";
export type { FrameKind, WebSocketFrame } from "./websocket";

export interface TapOptions {
  /** Of larger packets only as many bytes are kept, with length and hash. Default 65,536. */
  keep?: number;
  /** How many packets are kept; then the oldest go, and `forgotten` counts them. Default 50,000. */
  limit?: number;
  /** In front of a TLS listener: ends TLS with a key that the clients trust, so that the packets inside can be read. */
  tls?: TapTls;
}

/** Something that happened to a connection. */
export interface TapEvent {
  readonly at: number;
  readonly connection: number;
  /** "fault": a connection was cut or frozen, or a fault's filter threw. */
  readonly kind: "opened" | "unreachable" | "closed" | "fault";
  readonly text: string;
}

/**
 * A TCP proxy in front of a broker: it forwards every byte unchanged and in order, and takes both directions apart.
 * Clients connect to `url` instead of the broker's.
 *
 * With a fault armed it takes packets apart before it forwards them, and changes those only that the fault is about. Of
 * several faults the one that was armed first counts. Packets within TLS or WebSocket frames can't be told apart: there
 * only `cut` and `freeze` without a filter do something, the others throw LabError ENGINE_CANNOT.
 */
export interface Tap extends TapFaults {
  /** On 127.0.0.1, with the target's scheme. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** All packets of both directions, in the order in which the tap saw them. */
  readonly packets: readonly PacketRecord[];
  /** In front of a TLS listener: its records, with what an eavesdropper can read of them. */
  readonly records: readonly TlsRecord[];
  /** In front of a WebSocket listener: its frames, and the HTTP heads before them. */
  readonly frames: readonly WebSocketFrame[];
  readonly connections: readonly TapConnection[];
  readonly events: readonly TapEvent[];
  /** How many packets were dropped from `packets` because there were more than the limit. */
  readonly forgotten: number;
  /** The packets that fit, of those recorded so far. */
  select(filter: PacketFilter): PacketRecord[];
  /**
   * The first packet, recorded already or still to come, that fits and that no earlier `next` has taken.
   * @throws LabError TIMEOUT, which says what came instead.
   */
  next(filter?: PacketFilter, options?: { timeout?: number }): Promise<PacketRecord>;
  /**
   * Calls `run` after something was recorded or forgotten, and when the tap is closed: for pictures that follow it.
   * `run` must be quick and must not throw. Returns a function that ends it.
   */
  onChange(run: () => void): () => void;
  /** Forgets packets and events; numbers and connections go on. */
  clear(): void;
  /** Ends every connection through the tap, and the tap. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Opens a tap. TLS goes through as it is: its packets are for the two ends only, unless `tls` gives the tap keys of its own.
 * @throws LabError BAD_ARGUMENT for what is no address. An unreachable broker is no error here: its clients are reset.
 */
export async function openTap(target: TcpTarget, options: TapOptions = {}): Promise<Tap> {
  const { tls, ...own } = options;
  if (tls) return openTerminatingTap(target, tls, own, openTap);
  const tap = new TcpTap(addressOf(target), own);
  await tap.listen();
  return tap;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Bytes that were forwarded and not looked at yet; without bytes, the end of that direction. */
interface Forwarded {
  readonly line: Line;
  readonly direction: Direction;
  readonly bytes: Uint8Array | undefined;
  readonly at: number;
}

interface Line {
  readonly connection: Mutable<TapConnection>;
  readonly relay: Relay;
  readonly decoders: Readonly<Record<Direction, { push(bytes: Uint8Array): Decoded[]; end(): Decoded[] }>>;
  readonly legs: Readonly<Record<Direction, Leg>>;
  /** The faults that hold it frozen. */
  readonly frozen: Set<Fault>;
}

class TcpTap implements Tap {
  readonly #target: Address;
  readonly #options: Required<Omit<TapOptions, "tls">>;
  readonly #server: Server;
  readonly #opened = performance.now();
  readonly #epoch = Date.now();
  readonly #lines = new Set<Line>();
  readonly #waiting = new Waiting();
  readonly #taken = new Set<PacketRecord>();
  #packets: PacketRecord[] = [];
  /** Packets that nobody has looked at yet: a record costs more than a packet. */
  #fresh: { readonly seen: Seen; readonly decoded: Decoded }[] = [];
  #records: TlsRecord[] = [];
  #frames: WebSocketFrame[] = [];
  #connections: Mutable<TapConnection>[] = [];
  #events: TapEvent[] = [];
  #pending: Forwarded[] = [];
  #scheduled = false;
  /** Armed, in the order in which they were. */
  #faults: Fault[] = [];
  /** A leg is at work: what ends a fault meanwhile has its effect afterwards. */
  #working = false;
  #numbered = 0;
  #heard = 0;
  #framed = 0;
  #connected = 0;
  #forgotten = 0;
  #closed = false;
  #port = 0;

  constructor(target: Address, options: TapOptions) {
    this.#target = target;
    this.#options = { keep: options.keep ?? 65_536, limit: options.limit ?? 50_000 };
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => this.#accept(socket));
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host: "127.0.0.1", port: 0, backlog: 511 }, () => {
        this.#port = (this.#server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  get host(): string {
    return "127.0.0.1";
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    const { scheme, path } = this.#target;
    return `${scheme}://${this.host}:${this.port}${scheme.startsWith("ws") ? path : ""}`;
  }

  get packets(): readonly PacketRecord[] {
    this.#decode();
    for (const { seen, decoded } of this.#fresh) this.#packets.push(packetRecord(seen, decoded));
    this.#fresh = [];
    return this.#packets;
  }

  get records(): readonly TlsRecord[] {
    this.#decode();
    return this.#records;
  }

  get frames(): readonly WebSocketFrame[] {
    this.#decode();
    return this.#frames;
  }

  get connections(): readonly TapConnection[] {
    this.#decode();
    return this.#connections;
  }

  get events(): readonly TapEvent[] {
    return this.#events;
  }

  get forgotten(): number {
    return this.#forgotten;
  }

  select(filter: PacketFilter): PacketRecord[] {
    return this.packets.filter(filterTest(filter));
  }

  async next(filter?: PacketFilter, options: { timeout?: number } = {}): Promise<PacketRecord> {
    const timeout = options.timeout ?? 5_000;
    const fits = filterTest(filter);
    const look = () => this.packets.find((record) => !this.#taken.has(record) && fits(record));
    const take = () => {
      const found = look();
      if (found) this.#taken.add(found);
      return found;
    };
    const found = await this.#waiting.until(take, timeout, () => this.#closed);
    if (!found) throw this.#missing(filter, timeout);
    return found;
  }

  onChange(run: () => void): () => void {
    return this.#waiting.watch(run);
  }

  clear(): void {
    this.#decode();
    this.#packets = [];
    this.#fresh = [];
    this.#records = [];
    this.#frames = [];
    this.#events = [];
    this.#connections = this.#connections.filter((one) => one.closedAt === undefined);
    this.#taken.clear();
    this.#forgotten = 0;
    this.#waiting.notify();
  }

  drop(filter: PacketFilter, options: FaultOptions = {}): Fault {
    return this.#arm("dropped", filter, options);
  }

  delay(filter: PacketFilter, options: FaultOptions & { ms: number }): Fault {
    return this.#arm("delayed", filter, options);
  }

  hold(filter: PacketFilter, options: FaultOptions = {}): Fault {
    return this.#arm("held", filter, options);
  }

  corrupt(filter: PacketFilter, options: FaultOptions & { at?: number; to?: number } = {}): Fault {
    return this.#arm("corrupted", filter, options);
  }

  split(filter: PacketFilter, options: FaultOptions & { size?: number; gap?: number } = {}): Fault {
    return this.#arm("split", filter, options);
  }

  coalesce(filter: PacketFilter, options: FaultOptions = {}): Fault {
    return this.#arm("coalesced", filter, options);
  }

  cut(filter?: PacketFilter, options: FaultOptions & { how?: "RST" | "FIN" } = {}): Fault {
    if (filter !== undefined) return this.#arm("cut", filter, options);
    const fault = new Fault("cut", undefined, options, this.#host);
    for (const line of this.#about(fault)) {
      if (!fault.armed) break;
      this.#cut(line, fault);
      fault.met();
    }
    fault.off();
    return fault;
  }

  freeze(filter?: PacketFilter, options: FaultOptions = {}): Fault {
    const fault = this.#arm("frozen", filter, options);
    if (!fault.whole) return fault;
    for (const line of this.#about(fault)) this.#join(line, fault);
    return fault;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const fault of this.#faults.splice(0)) fault.armed = false;
    const ended = this.#server.listening
      ? new Promise<void>((resolve) => this.#server.close(() => resolve()))
      : Promise.resolve();
    for (const line of this.#lines) line.relay.destroy();
    await ended;
    this.#decode();
    this.#waiting.notify();
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const { scheme, host, port } = this.#target;
    const open = this.#lines.size;
    const state = this.#closed ? "closed" : `${open} connection${open === 1 ? "" : "s"}`;
    return `tap ${this.url} in front of ${scheme}://${host}:${port} · ${state} · ${this.packets.length} packets`;
  }

  #now(): number {
    return performance.now() - this.#opened;
  }

  #accept(socket: Socket): void {
    const connection: Mutable<TapConnection> = {
      number: ++this.#connected,
      openedAt: this.#now(),
      toBroker: 0,
      toClient: 0,
    };
    this.#connections.push(connection);
    this.#event(connection, "opened", `connection ${connection.number} was opened`);
    const count = (direction: Direction, bytes: number) => {
      if (direction === "to-broker") connection.toBroker += bytes;
      else connection.toClient += bytes;
    };
    const relay: Relay = new Relay(socket, this.#target, {
      taken: (direction, bytes) => {
        const leg = line.legs[direction];
        if (!this.#faults.length && !leg.busy) return false;
        this.#work(() => leg.push(bytes, this.#faults.length > 0));
        return true;
      },
      passed: (direction, bytes) => {
        count(direction, bytes.length);
        this.#later({ line, direction, bytes, at: this.#now() });
      },
      forwarded: count,
      ended: (direction) => {
        const leg = line.legs[direction];
        if (this.#faults.length || leg.busy) this.#work(() => leg.end());
        this.#later({ line, direction, bytes: undefined, at: this.#now() });
      },
      unreachable: (error) =>
        this.#event(connection, "unreachable", `the broker could not be reached: ${error.code ?? error.message}`),
      closed: (end) => {
        connection.closedAt = this.#now();
        connection.end = end;
        for (const direction of ["to-broker", "to-client"] as const) {
          this.#later({ line, direction, bytes: undefined, at: this.#now() });
        }
        this.#lines.delete(line);
        this.#event(connection, "closed", `connection ${connection.number}: ${end}`);
      },
    });
    const decoders = this.#decoders(connection.number);
    const leg = (direction: Direction) => this.#leg(direction, () => line, decoders[direction], relay);
    const legs = { "to-broker": leg("to-broker"), "to-client": leg("to-client") };
    const line: Line = { connection, relay, decoders, legs, frozen: new Set() };
    this.#lines.add(line);
    for (const fault of this.#faults) if (fault.whole && this.#concerns(fault, line)) this.#join(line, fault);
  }

  #leg(direction: Direction, lineOf: () => Line, decoder: Line["decoders"][Direction], relay: Relay): Leg {
    return new Leg(decoder, relay.outlets[direction], {
      now: () => this.#now(),
      decide: (decoded) => this.#decide(lineOf(), direction, decoded),
      record: (decoded, mark) => this.#record(lineOf(), direction, decoded, this.#now(), mark),
      cut: (fault) => this.#cut(lineOf(), fault),
      freeze: (fault) => this.#freeze(lineOf(), fault),
    });
  }

  #arm(kind: FaultKind, filter: PacketFilter | undefined, options: FaultOptions & FaultDetails): Fault {
    const { scheme } = this.#target;
    const whole = filter === undefined && kind === "frozen" && options.client === undefined;
    if (scheme !== "mqtt" && !whole) {
      throw new LabError(
        "ENGINE_CANNOT",
        `a tap in front of ${scheme}:// can't tell packets apart before it forwards them`,
        "make faults at a tap in front of a plain listener (mqtt://); cut() and freeze() without a filter work here too",
      );
    }
    const fault = new Fault(kind, filter, options, this.#host);
    // What was forwarded until now is decoded, so that the decoders stand where the bytes do.
    this.#decode();
    if (!this.#closed) this.#faults.push(fault);
    return fault;
  }

  readonly #host = {
    disarmed: (fault: Fault): void => {
      this.#faults = this.#faults.filter((one) => one !== fault);
      if (fault.over) this.#thaw(fault);
      this.#settle();
    },
    failed: (fault: Fault): void => {
      this.#events.push({ at: this.#now(), connection: 0, kind: "fault", text: `a filter threw: ${fault.error}` });
    },
  };

  /** Lets a leg do its work with what it needs: the decoders up to date, and nobody else between. */
  #work(work: () => void): void {
    this.#decode();
    this.#working = true;
    try {
      work();
    } finally {
      this.#working = false;
    }
    this.#settle();
    this.#trim();
    this.#waiting.notify();
  }

  /** With no fault armed, nothing waits for the rest of its packet. */
  #settle(): void {
    if (this.#working || this.#faults.length) return;
    for (const { legs } of this.#lines) {
      legs["to-broker"].flush();
      legs["to-client"].flush();
    }
  }

  /** The fault that meets this packet: the first armed one that fits. */
  #decide(line: Line, direction: Direction, decoded: Decoded): Fault | undefined {
    this.#name(line, decoded);
    const { connection } = line;
    const at = this.#now();
    const seen = { number: this.#numbered + 1, at, epoch: this.#epoch + at, direction, connection };
    const record = packetRecord(seen, decoded);
    return [...this.#faults].find((fault) => fault.meets(record, line.legs[direction]));
  }

  #concerns(fault: Fault, { connection }: Line): boolean {
    const { number, clientId } = connection;
    return fault.about({ connection: number, clientId, direction: fault.direction });
  }

  #about(fault: Fault): Line[] {
    this.#decode();
    return [...this.#lines].filter((line) => this.#concerns(fault, line));
  }

  #cut(line: Line, fault: Fault): void {
    const how = fault.details.how ?? "RST";
    this.#event(line.connection, "fault", `connection ${line.connection.number} was cut (${how})`);
    line.relay.cut(how);
  }

  /** A freeze without a filter meets a whole connection. */
  #join(line: Line, fault: Fault): void {
    if (!fault.armed) return;
    this.#freeze(line, fault);
    fault.met();
  }

  #freeze(line: Line, fault: Fault): void {
    if (!line.frozen.size) {
      line.relay.freeze();
      this.#event(line.connection, "fault", `connection ${line.connection.number} was frozen`);
    }
    line.frozen.add(fault);
  }

  #thaw(fault: Fault): void {
    for (const line of this.#lines) {
      if (!line.frozen.delete(fault) || line.frozen.size) continue;
      this.#event(line.connection, "fault", `connection ${line.connection.number} is no longer frozen`);
      line.relay.thaw();
    }
  }

  #decoders(connection: number): Line["decoders"] {
    const { scheme } = this.#target;
    if (scheme === "mqtts" || scheme === "wss") return this.#eavesdroppers(connection);
    const agreement: Agreement = {};
    const make = (direction: Direction) => {
      const decoder = new PacketDecoder({ direction, agreement, keep: this.#options.keep, hash: sha256 });
      return scheme === "ws" ? this.#frameReader(decoder, connection, direction) : decoder;
    };
    return { "to-broker": make("to-broker"), "to-client": make("to-client") };
  }

  #frameReader(decoder: PacketDecoder, connection: number, direction: Direction): WebSocketReader {
    return new WebSocketReader(decoder, (frame) => {
      this.#frames.push({ number: ++this.#framed, at: this.#now(), connection, direction, ...frame });
      if (this.#frames.length > this.#options.limit * 1.1) this.#frames.splice(0, this.#options.limit * 0.1);
    });
  }

  /** TLS has no packets for a tap, only records. */
  #eavesdroppers(connection: number): Line["decoders"] {
    const agreement: TlsAgreement = {};
    const make = (direction: Direction) =>
      new TlsReader(agreement, (record) => {
        this.#records.push({ number: ++this.#heard, at: this.#now(), connection, direction, ...record });
        if (this.#records.length > this.#options.limit * 1.1) this.#records.splice(0, this.#options.limit * 0.1);
      });
    return { "to-broker": make("to-broker"), "to-client": make("to-client") };
  }

  #later(waiting: Forwarded): void {
    this.#pending.push(waiting);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // In the same turn as the bytes came, after they were forwarded: before the client can have read them.
    setImmediate(() => this.#decode());
  }

  /** Takes apart what was forwarded since the last time, in the order in which it came. */
  #decode(): void {
    this.#scheduled = false;
    const pending = this.#pending;
    if (!pending.length) return;
    this.#pending = [];
    for (const { line, direction, bytes, at } of pending) {
      const decoder = line.decoders[direction];
      for (const decoded of bytes ? decoder.push(bytes) : decoder.end()) this.#record(line, direction, decoded, at);
    }
    this.#trim();
    this.#waiting.notify();
  }

  /** Every packet of every connection passes here once. */
  #record(line: Line, direction: Direction, decoded: Decoded, at: number, mark?: Mark): void {
    const { connection } = line;
    this.#name(line, decoded);
    const seen = { number: ++this.#numbered, at, epoch: this.#epoch + at, direction, connection, mark };
    this.#fresh.push({ seen, decoded });
    const reader = line.decoders[direction];
    if (reader instanceof WebSocketReader) reader.carried(seen.number, decoded);
  }

  #name({ connection }: Line, { packet }: Decoded): void {
    if (packet.type === "CONNECT" && packet.clientIdentifier) connection.clientId ??= packet.clientIdentifier;
    const assigned = packet.type === "CONNACK" ? packet.properties?.assignedClientIdentifier : undefined;
    if (assigned) connection.clientId ??= assigned;
  }

  #trim(): void {
    // In blocks, for taking one from the front of a long array moves all the others.
    const { limit } = this.#options;
    const many = this.#packets.length + this.#fresh.length;
    if (many <= limit * 1.1) return;
    const gone = this.#packets.splice(0, many - limit);
    for (const record of gone) this.#taken.delete(record);
    this.#fresh.splice(0, many - limit - gone.length);
    this.#forgotten += many - limit;
  }

  #event(connection: TapConnection, kind: TapEvent["kind"], text: string): void {
    this.#events.push({ at: this.#now(), connection: connection.number, kind, text });
    this.#waiting.notify();
  }

  #missing(filter: PacketFilter | undefined, timeout: number): LabError {
    const last = this.packets.slice(-5).map((one) => `${one.number} ${one.packet.type} ${one.direction}`);
    const unreachable = this.#events.filter((one) => one.kind === "unreachable").at(-1);
    const came = last.length ? `the last packets were: ${last.join(", ")}` : "no packet at all came";
    return new LabError(
      "TIMEOUT",
      `the tap saw no ${filterText(filter).replace(/^a /, "")} ${this.#closed ? "before it was closed" : `within ${timeout} ms`}; ${unreachable ? unreachable.text : came}`,
      "did the client connect to tap.url, and not to the broker's own?",
    );
  }
}
