import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import type { Address } from "./address";
import type { Decoded } from "./codec";
import type { Direction } from "./packet";
import type { Tap, TapEvent, TapOptions } from "./tap";
import { ArmedFaults } from "./tap-armed";
import type { TapConnection } from "./tap-connection";
import type { Fault, FaultOptions } from "./tap-faults";
import { type Forwarded, type Line, type LineHost, openLine } from "./tap-line";
import { type Mutable, TapLog } from "./tap-log";
import { filterTest, type Mark, type PacketFilter, type PacketRecord, packetRecord } from "./tap-record";
import type { TlsRecord } from "./tls-reader";
import { type WebSocketFrame, WebSocketReader } from "./websocket";

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
  readonly #faults: ArmedFaults;
  readonly #host: LineHost;
  /** A leg is at work: what ends a fault meanwhile has its effect afterwards. */
  #working = false;
  #connected = 0;
  #closed = false;
  #port = 0;

  constructor(target: Address, options: TapOptions) {
    this.#target = target;
    this.#options = { keep: options.keep ?? 65_536, limit: options.limit ?? 50_000 };
    this.#log = new TapLog(this.#options.limit);
    this.#faults = new ArmedFaults({
      target,
      lines: this.#lines,
      decode: () => this.#decode(),
      event: (connection, text) => this.#event(connection, "fault", text),
      disarmed: () => this.#settle(),
    });
    this.#host = this.#hostOf();
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
    return this.#faults.arm("dropped", filter, options);
  }

  delay(filter: PacketFilter, options: FaultOptions & { ms: number }): Fault {
    return this.#faults.arm("delayed", filter, options);
  }

  hold(filter: PacketFilter, options: FaultOptions = {}): Fault {
    return this.#faults.arm("held", filter, options);
  }

  corrupt(filter: PacketFilter, options: FaultOptions & { at?: number; to?: number } = {}): Fault {
    return this.#faults.arm("corrupted", filter, options);
  }

  split(filter: PacketFilter, options: FaultOptions & { size?: number; gap?: number } = {}): Fault {
    return this.#faults.arm("split", filter, options);
  }

  coalesce(filter: PacketFilter, options: FaultOptions = {}): Fault {
    return this.#faults.arm("coalesced", filter, options);
  }

  cut(filter?: PacketFilter, options: FaultOptions & { how?: "RST" | "FIN" } = {}): Fault {
    if (filter !== undefined) return this.#faults.arm("cut", filter, options);
    return this.#faults.cutNow(options);
  }

  freeze(filter?: PacketFilter, options: FaultOptions = {}): Fault {
    const fault = this.#faults.arm("frozen", filter, options);
    if (fault.whole) this.#faults.freezeNow(fault);
    return fault;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#faults.close();
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
    const line = openLine(socket, connection, this.#host);
    this.#lines.add(line);
    this.#faults.opened(line);
  }

  #hostOf(): LineHost {
    return {
      target: this.#target,
      keep: this.#options.keep,
      log: this.#log,
      armed: () => this.#faults.any,
      now: () => this.#now(),
      event: (connection, kind, text) => this.#event(connection, kind, text),
      later: (forwarded) => this.#later(forwarded),
      work: (run) => this.#work(run),
      decide: (line, direction, decoded) => this.#decide(line, direction, decoded),
      record: (line, direction, decoded, at, mark) => this.#record(line, direction, decoded, at, mark),
      cut: (line, fault) => this.#faults.cut(line, fault),
      freeze: (line, fault) => this.#faults.freeze(line, fault),
      closed: (line) => void this.#lines.delete(line),
    };
  }

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
    if (this.#working || this.#faults.any) return;
    for (const { legs } of this.#lines) {
      legs["to-broker"].flush();
      legs["to-client"].flush();
    }
  }

  #decide(line: Line, direction: Direction, decoded: Decoded): Fault | undefined {
    this.#name(line, decoded);
    const at = this.#now();
    const seen = { at, epoch: this.#epoch + at, direction, connection: line.connection };
    return this.#faults.meeting(packetRecord(this.#log.next, seen, decoded), line.legs[direction]);
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

  #event(connection: TapConnection | undefined, kind: TapEvent["kind"], text: string): void {
    this.#log.event({ at: this.#now(), connection: connection?.number ?? 0, kind, text });
  }
}
