import { type Decoded, PacketDecoder } from "./codec";
import type { Outlet } from "./tap-outlet";
import { corruptAt, Judge, type Leg, type LegEvents, PREVIEW, type Verdict } from "./tap-verdict";

type Reader = PacketDecoder | { push(bytes: Uint8Array, now?: boolean): Decoded[]; end(): Decoded[] };

/**
 * A leg whose bytes are packets, or nothing that can be told apart (TLS), which it forwards as it comes. The decoder
 * knows where packets begin and end; one that had begun before goes on untouched.
 */
export class PlainLeg implements Leg {
  readonly #decoder: Reader;
  readonly #outlet: Outlet;
  readonly #events: LegEvents;
  readonly #judge: Judge;
  /** Bytes that came and were not forwarded, nor dropped. */
  #stash: Buffer[] = [];
  #stashed = 0;
  #verdict: Verdict | undefined;
  #over = false;

  constructor(decoder: Reader, outlet: Outlet, events: LegEvents) {
    this.#decoder = decoder;
    this.#outlet = outlet;
    this.#events = events;
    this.#judge = new Judge(this, outlet, events);
  }

  get busy(): boolean {
    return this.#over || this.#stashed > 0 || this.#verdict !== undefined || this.#outlet.busy;
  }

  push(chunk: Buffer, armed: boolean): void {
    // After a cut nothing more arrives.
    if (this.#over) return;
    this.#stash.push(chunk);
    this.#stashed += chunk.length;
    for (const decoded of this.#decoder.push(chunk, true)) this.#packet(decoded);
    this.#rest(armed);
  }

  end(): void {
    if (this.#over) return;
    for (const decoded of this.#decoder.end()) this.#packet(decoded);
    this.flush();
  }

  flush(): void {
    if (this.#verdict) return;
    this.#outlet.send(this.#take(this.#stashed), this.#judge.behind());
  }

  #packet(decoded: Decoded): void {
    const end = decoded.offset + decoded.length;
    const settled = this.#verdict?.offset === decoded.offset || this.#settled > decoded.offset;
    const known = settled ? (this.#verdict ?? this.#judge.untouched(decoded)) : undefined;
    const verdict = known ?? this.#judge.judge(decoded);
    this.#verdict = undefined;
    this.#events.record(decoded, verdict.mark);
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
      if (preview && preview.length > PREVIEW) this.#verdict = this.#judge.judge(preview);
      else if (armed) return;
    }
    this.#apply(this.#verdict, this.#take(this.#stashed));
  }

  /** How many bytes of the stream are forwarded or dropped. */
  get #settled(): number {
    return (this.#decoder as PacketDecoder).bytes - this.#stashed;
  }

  #apply(verdict: Verdict | undefined, bytes: Buffer): void {
    const { fault, mark, how } = verdict ?? { how: this.#judge.behind() };
    if (fault?.kind === "dropped") return;
    if (fault?.kind === "cut") {
      this.#over = true;
      this.#stash = [];
      this.#stashed = 0;
      this.#outlet.afterwards(() => this.#events.cut(fault));
      return;
    }
    const out = fault?.kind === "corrupted" ? this.#corrupted(verdict!, bytes) : bytes;
    const sent = () => {
      mark!.forwardedAt = this.#events.now();
    };
    this.#outlet.send(out, { ...how, sent: mark && sent });
    // The last of them is there: they leave together.
    if (fault?.kind === "coalesced" && !fault.armed) fault.release();
  }

  #corrupted(verdict: Verdict, bytes: Buffer): Buffer {
    const { fault, mark, offset } = verdict;
    const at = corruptAt(verdict);
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
