import { LabError } from "../core/errors";
import type { Decoded } from "./codec";
import type { TapEvent } from "./tap";
import type { TapConnection } from "./tap-connection";
import { filterText, type PacketFilter, type PacketRecord, packetRecord, type Seen } from "./tap-record";
import type { TlsRecord } from "./tls-reader";
import { Waiting } from "./waiting";
import type { WebSocketFrame } from "./websocket";

export type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Packets that came with one chunk. */
interface Arrival {
  /** The number of the first of them. */
  readonly first: number;
  readonly seen: Seen;
  readonly decoded: readonly Decoded[];
}

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
  #fresh: Arrival[] = [];
  /** How many packets they are. */
  #unread = 0;
  #numbered = 0;
  #heard = 0;
  #framed = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get packets(): readonly PacketRecord[] {
    for (const { first, seen, decoded } of this.#fresh) {
      for (const [index, one] of decoded.entries()) this.#packets.push(packetRecord(first + index, seen, one));
    }
    this.#fresh = [];
    this.#unread = 0;
    return this.#packets;
  }

  /** The next packet's number. */
  get next(): number {
    return this.#numbered + 1;
  }

  /** Packets that one chunk completed: they get the next numbers. */
  arrived(seen: Seen, decoded: readonly Decoded[]): void {
    this.#fresh.push({ first: this.next, seen, decoded });
    this.#numbered += decoded.length;
    this.#unread += decoded.length;
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
    this.#unread = 0;
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
    const many = this.#packets.length + this.#unread;
    if (many <= this.#limit * 1.1) return;
    const gone = this.#packets.splice(0, many - this.#limit);
    for (const record of gone) this.#taken.delete(record);
    this.#forget(many - this.#limit - gone.length);
    this.forgotten += many - this.#limit;
  }

  /** So many packets go unread. */
  #forget(count: number): void {
    let left = count;
    const whole = this.#fresh.findIndex(({ decoded }) => {
      if (decoded.length > left) return true;
      left -= decoded.length;
      return false;
    });
    const kept = this.#fresh.slice(whole < 0 ? this.#fresh.length : whole);
    const [cut] = kept;
    if (cut && left) kept[0] = { ...cut, first: cut.first + left, decoded: cut.decoded.slice(left) };
    this.#fresh = kept;
    this.#unread -= count;
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
