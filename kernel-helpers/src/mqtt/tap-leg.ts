import { type Decoded, PacketDecoder } from "./codec";
import type { Fault } from "./tap-faults";
import type { Outlet, Sending } from "./tap-outlet";
import type { Mark } from "./tap-record";

export interface LegEvents {
  /** Which fault meets this packet. */
  decide(decoded: Decoded): Fault | undefined;
  record(decoded: Decoded, mark: Mark | undefined): void;
  cut(fault: Fault): void;
  freeze(fault: Fault): void;
  now(): number;
}

type Reader = PacketDecoder | { push(bytes: Uint8Array): Decoded[]; end(): Decoded[] };

/** What was decided for a packet. */
interface Verdict {
  readonly fault?: Fault;
  readonly mark?: Mark;
  readonly how: Sending;
  readonly offset: number;
  readonly length: number;
}

/** From so many bytes on a packet is judged by its beginning, and the rest of it streams. */
const PREVIEW = 65_536;

/**
 * One direction of a connection while faults are armed: packets are taken apart before they are forwarded. The decoder
 * knows where they begin and end; a packet that had begun before goes on untouched.
 */
export class Leg {
  readonly #decoder: Reader;
  readonly #outlet: Outlet;
  readonly #events: LegEvents;
  /** Bytes that came and were not forwarded, nor dropped. */
  #stash: Buffer[] = [];
  #stashed = 0;
  #verdict: Verdict | undefined;
  /** Of packets within WebSocket frames, which leave as a part of them. */
  #marks: Mark[] = [];
  #over = false;

  constructor(decoder: Reader, outlet: Outlet, events: LegEvents) {
    this.#decoder = decoder;
    this.#outlet = outlet;
    this.#events = events;
  }

  /** Whether bytes must take this way, also with no fault armed. */
  get busy(): boolean {
    return this.#over || this.#stashed > 0 || this.#verdict !== undefined || this.#outlet.busy;
  }

  push(chunk: Buffer, armed: boolean): void {
    // After a cut nothing more arrives.
    if (this.#over) return;
    this.#stash.push(chunk);
    this.#stashed += chunk.length;
    for (const decoded of this.#decoder.push(chunk)) this.#packet(decoded);
    this.#rest(armed);
  }

  /** No more bytes come: what is left of a packet goes, as it did come. */
  end(): void {
    if (this.#over) return;
    for (const decoded of this.#decoder.end()) this.#packet(decoded);
    this.flush();
  }

  /** Forwards what waits for the rest of its packet: no fault is armed any more. */
  flush(): void {
    if (this.#verdict) return;
    const marks = this.#marks.splice(0);
    const sent = () => {
      for (const mark of marks) this.#left(mark);
    };
    this.#outlet.send(this.#take(this.#stashed), { ...this.#behind(), sent });
  }

  #packet(decoded: Decoded): void {
    const decoder = this.#decoder;
    if (!(decoder instanceof PacketDecoder)) {
      const mark = this.#waiting();
      if (mark) this.#marks.push(mark);
      this.#events.record(decoded, mark);
      return;
    }
    const end = decoded.offset + decoded.length;
    const settled = this.#verdict?.offset === decoded.offset || this.#settled > decoded.offset;
    const verdict = settled ? this.#verdict : this.#judge(decoded);
    this.#verdict = undefined;
    this.#events.record(decoded, verdict?.mark);
    this.#apply(verdict, this.#take(end - this.#settled));
  }

  #rest(armed: boolean): void {
    const decoder = this.#decoder;
    if (!this.#stashed || this.#over) return;
    if (!(decoder instanceof PacketDecoder) || decoder.stopped) {
      this.flush();
      return;
    }
    const begun = this.#settled > decoder.offset;
    if (!this.#verdict && !begun) {
      const preview = armed ? decoder.preview(PREVIEW) : undefined;
      if (preview && preview.length > PREVIEW) this.#verdict = this.#judge(preview);
      else if (armed) return;
    }
    this.#apply(this.#verdict, this.#take(this.#stashed));
  }

  /** How many bytes of the stream are forwarded or dropped. */
  get #settled(): number {
    return (this.#decoder as PacketDecoder).bytes - this.#stashed;
  }

  #judge(decoded: Decoded): Verdict {
    const { offset, length } = decoded;
    const fault = this.#outlet.frozen ? undefined : this.#events.decide(decoded);
    if (fault?.kind === "frozen") this.#events.freeze(fault);
    if (!fault || fault.kind === "frozen") return { offset, length, mark: this.#waiting(), how: this.#behind() };
    const mark: Mark = { fault: fault.kind };
    const how = { ...this.#behind(), ...this.#sending(fault, decoded) };
    return { offset, length, fault, mark, how };
  }

  #sending(fault: Fault, { length }: Decoded): Sending {
    const { kind } = fault;
    if (kind === "delayed") return { kind, due: fault.due };
    if (kind === "held") return { kind, gate: fault.gate };
    if (kind === "split") {
      const size = fault.details.size ?? Math.ceil(Math.min(length, PREVIEW) / 2);
      return { size, gap: fault.details.gap ?? 10 };
    }
    if (kind !== "coalesced") return {};
    fault.leg = this;
    return { kind, gate: fault.gate, together: true };
  }

  /** How bytes travel that have no fault of their own. */
  #behind(): Sending {
    const { kind, gate, together } = this.#outlet.waitsFor ?? {};
    return together ? { kind, gate, together } : {};
  }

  #waiting(): Mark | undefined {
    const kind = this.#outlet.waitsFor?.kind;
    return kind && { fault: kind };
  }

  #apply(verdict: Verdict | undefined, bytes: Buffer): void {
    const { fault, mark, how } = verdict ?? { how: this.#behind() };
    if (fault?.kind === "dropped") return;
    if (fault?.kind === "cut") {
      this.#over = true;
      this.#stash = [];
      this.#stashed = 0;
      this.#outlet.afterwards(() => this.#events.cut(fault));
      return;
    }
    const out = fault?.kind === "corrupted" ? this.#corrupted(verdict!, bytes) : bytes;
    this.#outlet.send(out, { ...how, sent: mark && (() => this.#left(mark)) });
    // The last of them is there: they leave together.
    if (fault?.kind === "coalesced" && !fault.armed) fault.release();
  }

  #left(mark: Mark): void {
    mark.forwardedAt = this.#events.now();
  }

  #corrupted({ fault, mark, offset, length }: Verdict, bytes: Buffer): Buffer {
    const wanted = fault?.details.at ?? -1;
    const at = Math.min(length - 1, Math.max(0, wanted < 0 ? length + wanted : wanted));
    const place = at - (this.#settled - bytes.length - offset);
    const was = bytes[place];
    if (!mark || was === undefined) return bytes;
    const is = fault?.details.to ?? was ^ 0xff;
    mark.corruption = { at, was, is };
    const changed = Buffer.from(bytes);
    changed[place] = is;
    return changed;
  }

  #take(many: number): Buffer {
    if (many <= 0) return Buffer.alloc(0);
    const first = this.#stash[0]!;
    this.#stashed -= many;
    if (first.length > many) {
      this.#stash[0] = first.subarray(many);
      return first.subarray(0, many);
    }
    if (first.length === many) {
      this.#stash.shift();
      return first;
    }
    const all = Buffer.concat(this.#stash);
    this.#stash = all.length > many ? [all.subarray(many)] : [];
    return all.subarray(0, many);
  }
}
