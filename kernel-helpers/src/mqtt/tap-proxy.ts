import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { LabError } from "../core/errors";
import type { Address } from "./address";
import type { Decoded } from "./codec";
import type { Direction } from "./packet";
import type { Tap, TapEvent, TapOptions } from "./tap";
import { Relay, type TapConnection } from "./tap-connection";
import { Fault, type FaultDetails, type FaultOptions } from "./tap-faults";
import { FrameLeg } from "./tap-frames";
import { PlainLeg } from "./tap-leg";
import { type Mutable, TapLog } from "./tap-log";
import { type Readers, readersOf } from "./tap-readers";
import {
  type FaultKind,
  filterTest,
  type Mark,
  type PacketFilter,
  type PacketRecord,
  packetRecord,
} from "./tap-record";
import type { Leg } from "./tap-verdict";
import type { TlsRecord } from "./tls-reader";
import { type WebSocketFrame, WebSocketReader } from "./websocket";

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
  readonly readers: Readers;
  readonly legs: Readonly<Record<Direction, Leg>>;
  /** The faults that hold it frozen. */
  readonly frozen: Set<Fault>;
}

/** The tap itself: takes connections, carries their bytes, keeps the log, and makes the faults. */
export class TcpTap implements Tap {
  readonly #target: Address;
  readonly #options: Required<Omit<TapOptions, "tls">>;
  readonly #server: Server;
  readonly #opened = performance.now();
  readonly #epoch = Date.now();
  readonly #lines = new Set<Line>();
  readonly #log: TapLog;
  #pending: Forwarded[] = [];
  #scheduled = false;
  /** Armed, in the order in which they were. */
  #faults: Fault[] = [];
  /** A leg is at work: what ends a fault meanwhile has its effect afterwards. */
  #working = false;
  #connected = 0;
  #closed = false;
  #port = 0;

  constructor(target: Address, options: TapOptions) {
    this.#target = target;
    this.#options = { keep: options.keep ?? 65_536, limit: options.limit ?? 50_000 };
    this.#log = new TapLog(this.#options.limit);
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
    return this.#log.packets;
  }

  get records(): readonly TlsRecord[] {
    this.#decode();
    return this.#log.records;
  }

  get frames(): readonly WebSocketFrame[] {
    this.#decode();
    return this.#log.frames;
  }

  get connections(): readonly TapConnection[] {
    this.#decode();
    return this.#log.connections;
  }

  get events(): readonly TapEvent[] {
    return this.#log.events;
  }

  get forgotten(): number {
    return this.#log.forgotten;
  }

  select(filter: PacketFilter): PacketRecord[] {
    return this.packets.filter(filterTest(filter));
  }

  async next(filter?: PacketFilter, options: { timeout?: number } = {}): Promise<PacketRecord> {
    const timeout = options.timeout ?? 5_000;
    const fits = filterTest(filter);
    const take = () => {
      this.#decode();
      return this.#log.take(fits);
    };
    const found = await this.#log.waiting.until(take, timeout, () => this.#closed);
    if (!found) throw this.#log.missing(filter, this.#closed ? "before it was closed" : `within ${timeout} ms`);
    return found;
  }

  onChange(run: () => void): () => void {
    return this.#log.waiting.watch(run);
  }

  clear(): void {
    this.#decode();
    this.#log.clear();
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
    this.#log.waiting.notify();
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
    this.#log.connections.push(connection);
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
    const readers = readersOf(this.#target.scheme, this.#options.keep, {
      frame: (direction, frame) =>
        this.#log.frame({ at: this.#now(), connection: connection.number, direction, ...frame }),
      record: (direction, record) =>
        this.#log.record({ at: this.#now(), connection: connection.number, direction, ...record }),
    });
    const leg = (direction: Direction) => this.#leg(direction, () => line, readers[direction], relay);
    const legs = { "to-broker": leg("to-broker"), "to-client": leg("to-client") };
    const line: Line = { connection, relay, readers, legs, frozen: new Set() };
    this.#lines.add(line);
    for (const fault of this.#faults) if (fault.whole && this.#concerns(fault, line)) this.#join(line, fault);
  }

  #leg(direction: Direction, lineOf: () => Line, reader: Readers[Direction], relay: Relay): Leg {
    const events = {
      now: () => this.#now(),
      decide: (decoded: Decoded) => this.#decide(lineOf(), direction, decoded),
      record: (decoded: Decoded, mark?: Mark) => this.#record(lineOf(), direction, [decoded], this.#now(), mark),
      cut: (fault: Fault) => this.#cut(lineOf(), fault),
      freeze: (fault: Fault) => this.#freeze(lineOf(), fault),
    };
    const outlet = relay.outlets[direction];
    return reader instanceof WebSocketReader
      ? new FrameLeg(reader, outlet, events)
      : new PlainLeg(reader, outlet, events);
  }

  #arm(kind: FaultKind, filter: PacketFilter | undefined, options: FaultOptions & FaultDetails): Fault {
    const { scheme } = this.#target;
    const whole = filter === undefined && kind === "frozen" && options.client === undefined;
    if ((scheme === "mqtts" || scheme === "wss") && !whole) {
      throw new LabError(
        "ENGINE_CANNOT",
        `a tap in front of ${scheme}:// can't tell packets apart: they are for the two ends only`,
        "give the tap keys of its own (tls: { server, ca }), or use cut() and freeze() without a filter",
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
      const text = `a filter threw: ${fault.error}`;
      this.#log.events.push({ at: this.#now(), connection: 0, kind: "fault", text });
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
    this.#log.trim();
    this.#log.waiting.notify();
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
    const seen = { at, epoch: this.#epoch + at, direction, connection };
    const record = packetRecord(this.#log.next, seen, decoded);
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
      const reader = line.readers[direction];
      this.#record(line, direction, bytes ? reader.push(bytes) : reader.end(), at);
    }
    this.#log.trim();
    this.#log.waiting.notify();
  }

  /** Every packet of every connection passes here once. */
  #record(line: Line, direction: Direction, decoded: readonly Decoded[], at: number, mark?: Mark): void {
    if (!decoded.length) return;
    const { connection } = line;
    const reader = line.readers[direction];
    const first = this.#log.next;
    this.#log.arrived({ at, epoch: this.#epoch + at, direction, connection, mark }, decoded);
    for (const one of decoded) this.#name(line, one);
    if (!(reader instanceof WebSocketReader)) return;
    for (const [index, one] of decoded.entries()) reader.carried(first + index, one);
  }

  /** Reads CONNECT and CONNACK only: all others can wait until somebody asks for them. */
  #name({ connection }: Line, decoded: Decoded): void {
    if (decoded.kind > 2) return;
    const { type, clientIdentifier, properties } = decoded.packet;
    const id = type === "CONNECT" ? clientIdentifier : type === "CONNACK" && properties?.assignedClientIdentifier;
    if (id) connection.clientId ??= id;
  }

  #event(connection: TapConnection, kind: TapEvent["kind"], text: string): void {
    this.#log.event({ at: this.#now(), connection: connection.number, kind, text });
  }
}
