import { LabError } from "../core/errors";
import type { Decoded } from "./codec";
import type { TapEvent } from "./tap";
import type { TapConnection } from "./tap-connection";
import { filterText, type PacketFilter, type PacketRecord, packetRecord, type Seen } from "./tap-record";
import type { TlsRecord } from "./tls-reader";
import { Waiting } from "./waiting";
import type { WebSocketFrame } from "./websocket";

export type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What a tap has seen: numbers it, keeps as much of it as its limit allows, and finds it again. */
export class TapLog {
  records: TlsRecord[] = [];
  frames: WebSocketFrame[] = [];
  connections: Mutable<TapConnection>[] = [];
  events: TapEvent[] = [];
  forgotten = 0;
  readonly waiting = new Waiting();
  readonly #limit: number;
  readonly #taken = new Set<PacketRecord>();
  #packets: PacketRecord[] = [];
  /** Packets that nobody has looked at yet: a record costs more than a packet. */
  #fresh: { readonly seen: Seen; readonly decoded: Decoded }[] = [];
  #numbered = 0;
  #heard = 0;
  #framed = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get packets(): readonly PacketRecord[] {
    for (const { seen, decoded } of this.#fresh) this.#packets.push(packetRecord(seen, decoded));
    this.#fresh = [];
    return this.#packets;
  }

  /** The next packet's number. */
  get next(): number {
    return this.#numbered + 1;
  }

  /** @param seen with the number that `next` said. */
  packet(seen: Seen, decoded: Decoded): void {
    this.#numbered = seen.number;
    this.#fresh.push({ seen, decoded });
  }

  record(record: Omit<TlsRecord, "number">): void {
    this.records.push({ number: ++this.#heard, ...record });
    this.#shorten(this.records);
  }

  frame(frame: Omit<WebSocketFrame, "number">): void {
    this.frames.push({ number: ++this.#framed, ...frame });
    this.#shorten(this.frames);
  }

  event(event: TapEvent): void {
    this.events.push(event);
    this.waiting.notify();
  }

  /** The first packet that fits and that nobody has taken; takes it. */
  take(fits: (record: PacketRecord) => boolean): PacketRecord | undefined {
    const found = this.packets.find((record) => !this.#taken.has(record) && fits(record));
    if (found) this.#taken.add(found);
    return found;
  }

  clear(): void {
    this.#packets = [];
    this.#fresh = [];
    this.records = [];
    this.frames = [];
    this.events = [];
    this.connections = this.connections.filter((one) => one.closedAt === undefined);
    this.#taken.clear();
    this.forgotten = 0;
    this.waiting.notify();
  }

  /** Forgets the oldest packets above the limit. */
  trim(): void {
    // In blocks, for taking one from the front of a long array moves all the others.
    const many = this.#packets.length + this.#fresh.length;
    if (many <= this.#limit * 1.1) return;
    const gone = this.#packets.splice(0, many - this.#limit);
    for (const record of gone) this.#taken.delete(record);
    this.#fresh.splice(0, many - this.#limit - gone.length);
    this.forgotten += many - this.#limit;
  }

  #shorten(list: unknown[]): void {
    if (list.length > this.#limit * 1.1) list.splice(0, this.#limit * 0.1);
  }

  /** @param when "within 200 ms": since when nothing came. */
  missing(filter: PacketFilter | undefined, when: string): LabError {
    const last = this.packets.slice(-5).map((one) => `${one.number} ${one.packet.type} ${one.direction}`);
    const unreachable = this.events.filter((one) => one.kind === "unreachable").at(-1);
    const came = last.length ? `the last packets were: ${last.join(", ")}` : "no packet at all came";
    return new LabError(
      "TIMEOUT",
      `the tap saw no ${filterText(filter).replace(/^a /, "")} ${when}; ${unreachable ? unreachable.text : came}`,
      "did the client connect to tap.url, and not to the broker's own?",
    );
  }
}
