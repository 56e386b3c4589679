import type { Decoded } from "./codec";
import type { Outlet, Sending } from "./tap-outlet";
import { corruptAt, Judge, type Leg, type LegEvents, PREVIEW, type Verdict } from "./tap-verdict";
import { type FrameHeader, frameHeader, type WebSocketReader, type WireSink } from "./websocket";

/** A data frame that has not left whole. Places are those of the stream of packets that the frames carry. */
interface DataFrame {
  readonly header: FrameHeader;
  readonly start: number;
  readonly end: number;
  /** Up to where it has left, or was dropped. */
  at: number;
  /** What came behind that, masked as it came. */
  bytes: Buffer[];
  /** Where the frame ends whose header has left. */
  announced?: number;
}

/**
 * A leg whose packets come in WebSocket frames. A packet that a fault meets is cut out of its frames and travels in
 * frames of its own; where no fault meets, a frame stays as it is, byte for byte: it leaves when all packets in it are
 * known. What had begun before a fault was armed, a packet or a frame, goes on untouched.
 *
 * A frame that is cut keeps its masking key, turned to where the cut is, so that the masked bytes stay as they were.
 * Each part is a message of its own, for a receiver reads only whole ones, and need not care which packets share one
 * [MQTT-6.0.0-2]. Of a frame above 1 MiB the packets that are known leave before the others, in a frame of their own.
 */
export class FrameLeg implements Leg {
  readonly #reader: WebSocketReader;
  readonly #outlet: Outlet;
  readonly #events: LegEvents;
  readonly #judge: Judge;
  /** What waits, in the order of the wire: data frames, and bytes that are none of their business. */
  #queue: (DataFrame | Buffer)[] = [];
  /** The frame whose payload comes. */
  #current: DataFrame | undefined;
  /** Of packets that have not left whole. */
  #verdicts: Verdict[] = [];
  /** Up to here in the stream all is decided. */
  #decided = 0;
  /** Packets that begin before this place are not judged. */
  #untouched = 0;
  /** So many bytes of the next header have left already. */
  #headerGone = 0;
  /** Whether a message has begun and not ended: on the sender's side, and on the receiver's. */
  #cameOpen = false;
  #leftOpen = false;
  /** The opcode of the message at hand. */
  #opcode = 2;
  /** How much of the wire this leg has forwarded, or the tap without it. */
  #seen = 0;
  #over = false;

  constructor(reader: WebSocketReader, outlet: Outlet, events: LegEvents) {
    this.#reader = reader;
    this.#outlet = outlet;
    this.#events = events;
    this.#judge = new Judge(this, outlet, events);
  }

  get busy(): boolean {
    if (this.#over || this.#outlet.busy || this.#cameOpen !== this.#leftOpen) return true;
    const last = this.#verdicts.at(-1);
    if (last && (last.fault || last.mark) && last.offset + last.length > this.#reader.decoder.bytes) return true;
    // The rest of a frame whose header has left needs no help.
    return this.#queue.some((one) => Buffer.isBuffer(one) || one.bytes.length > 0 || one.announced !== one.end);
  }

  push(chunk: Buffer, armed: boolean): void {
    // After a cut nothing more arrives.
    if (this.#over) return;
    if (this.#seen !== this.#reader.bytes) this.#resume();
    const decoded = this.#reader.push(chunk, this.#sink);
    this.#seen = this.#reader.bytes;
    for (const one of decoded) this.#packet(one);
    if (this.#over) return;
    const { decoder } = this.#reader;
    if (!armed || decoder.stopped) {
      this.flush();
      return;
    }
    if (this.#decided <= decoder.offset) this.#preview();
    this.#send(this.#ready());
  }

  end(): void {
    if (this.#over) return;
    for (const decoded of this.#reader.end()) this.#packet(decoded);
    this.flush();
  }

  flush(): void {
    if (this.#over || this.#seen !== this.#reader.bytes) return;
    // The frame at hand leaves as it is, and what begins in it too.
    this.#leaveAlone(this.#reader.decoder.bytes + this.#reader.left);
    this.#send(this.#decided);
    const { unread } = this.#reader;
    if (unread.length <= this.#headerGone || this.#cameOpen !== this.#leftOpen) return;
    this.#outlet.send(Buffer.from(unread.subarray(this.#headerGone)), this.#judge.behind());
    this.#headerGone = unread.length;
  }

  /** Bytes have gone by without this leg: what they began goes on without it. */
  #resume(): void {
    const { decoder, left, unread, inMessage } = this.#reader;
    this.#queue = [];
    this.#current = undefined;
    this.#verdicts = [];
    this.#untouched = this.#decided = decoder.bytes + left;
    this.#headerGone = unread.length;
    this.#cameOpen = this.#leftOpen = inMessage;
  }

  #leaveAlone(end: number): void {
    this.#untouched = Math.max(this.#untouched, end);
    this.#decided = Math.max(this.#decided, end);
  }

  readonly #sink: WireSink = {
    plain: (bytes) => {
      this.#queue.push(asBuffer(bytes));
    },
    frame: (header) => {
      const gone = this.#headerGone;
      this.#headerGone = 0;
      const bytes = header.bytes.subarray(gone);
      this.#current = undefined;
      if (!header.data) {
        this.#queue.push(asBuffer(bytes));
        return;
      }
      // Bytes of packets that came before it: the decoder is given them after the sink.
      const start = this.#reader.decoder.bytes;
      const end = start + header.length;
      if (gone) this.#leaveAlone(end);
      this.#current = { header: { ...header, bytes }, start, end, at: start, bytes: [] };
      this.#queue.push(this.#current);
    },
    payload: (bytes) => {
      (this.#current?.bytes ?? this.#queue).push(asBuffer(bytes));
    },
  };

  #packet(decoded: Decoded): void {
    const { offset } = decoded;
    const verdict = (this.#decided > offset && this.#verdictAt(offset)) || this.#decide(decoded);
    this.#events.record(decoded, verdict.mark);
    if (verdict.fault) this.#carryOut(verdict);
  }

  /** A large packet is judged by its beginning, and one that had begun before leaves as it comes. */
  #preview(): void {
    const { decoder } = this.#reader;
    const begun = decoder.offset < this.#untouched;
    const preview = decoder.preview(begun ? 0 : PREVIEW);
    if (!preview || !(begun || preview.length > PREVIEW)) return;
    const verdict = this.#decide(preview);
    if (verdict.fault) this.#carryOut(verdict);
  }

  #decide(decoded: Decoded): Verdict {
    const { offset, length } = decoded;
    const begun = offset < this.#untouched;
    const verdict = begun ? this.#judge.untouched(decoded) : this.#judge.judge(decoded, () => this.#send(offset));
    this.#verdicts.push(verdict);
    this.#decided = Math.max(this.#decided, offset + length);
    return verdict;
  }

  #carryOut({ fault, offset, length }: Verdict): void {
    if (fault?.kind === "cut") {
      this.#over = true;
      this.#queue = [];
      this.#outlet.afterwards(() => this.#events.cut(fault));
      return;
    }
    this.#send(offset + length);
    // The last of them is there: they leave together.
    if (fault?.kind === "coalesced" && !fault.armed) fault.release();
  }

  #verdictAt(place: number): Verdict | undefined {
    return this.#verdicts.find((one) => one.offset <= place && place < one.offset + one.length);
  }

  /** Up to where frames can leave as they are, and those that can't, in parts. */
  #ready(): number {
    let ready = 0;
    for (const one of this.#queue) {
      if (Buffer.isBuffer(one)) continue;
      if (one.end > this.#decided) {
        const large = one.bytes.reduce((sum, bytes) => sum + bytes.length, 0) > PATIENCE;
        const begun = one.announced !== undefined || this.#verdictAt(one.at)?.fault;
        return large || begun ? this.#decided : ready;
      }
      ready = one.end;
    }
    return ready;
  }

  /** Forwards what comes before that place. */
  #send(limit: number): void {
    for (let first = this.#queue[0]; first; first = this.#queue[0]) {
      if (Buffer.isBuffer(first)) this.#outlet.send(first, this.#judge.behind());
      else {
        if (first.end > limit && first.at >= limit) break;
        while (this.#part(first, limit)) {}
        if (first.at < first.end) break;
        this.#finish(first);
      }
      this.#queue.shift();
    }
    const [first] = this.#queue;
    const settled = first && !Buffer.isBuffer(first) ? first.at : this.#reader.decoder.bytes;
    this.#verdicts = this.#verdicts.filter((one) => one.offset + one.length > settled);
  }

  /** Forwards, or drops, the next part of a frame that has one fate. False when there is none. */
  #part(frame: DataFrame, limit: number): boolean {
    const from = frame.at;
    if (from >= limit && frame.start < frame.end) return false;
    const verdict = this.#verdictAt(from);
    const end = frame.announced ?? this.#partEnd(frame, verdict);
    if (verdict?.fault?.kind === "dropped") {
      return this.#take(frame, end - from).length > 0 && frame.at < frame.end;
    }
    const header = frame.announced === undefined ? this.#header(frame, end) : undefined;
    const bytes = this.#take(frame, end - from);
    const out = verdict?.fault?.kind === "corrupted" ? this.#corrupted(verdict, frame, from, bytes) : bytes;
    this.#outlet.send(header ? Buffer.concat([header, out]) : out, this.#sending(verdict, from, header !== undefined));
    frame.announced = frame.at < end || end === frame.end ? end : undefined;
    return bytes.length > 0 && frame.at < frame.end;
  }

  /** Packets that nothing happens to stay together. */
  #partEnd(frame: DataFrame, verdict: Verdict | undefined): number {
    if (verdict?.fault) {
      const { offset, length, how } = verdict;
      const end = Math.min(frame.end, offset + length);
      if (how.size === undefined || frame.at >= offset + PREVIEW) return end;
      const write = Math.floor((frame.at - offset) / how.size) + 1;
      return Math.min(end, offset + write * how.size);
    }
    const next = this.#verdicts.find((one) => one.fault && one.offset >= frame.at);
    return Math.min(frame.end, next?.offset ?? this.#decided);
  }

  /** The header of the frame from where it is up to `end`: its own when that is all of it. */
  #header(frame: DataFrame, end: number): Buffer | undefined {
    const { header, start, at } = frame;
    if (header.opcode) this.#opcode = header.opcode;
    const whole = at === start && end === frame.end;
    const asItCame = at === start && this.#cameOpen === this.#leftOpen;
    const opcode = asItCame ? header.opcode : this.#leftOpen ? 0 : this.#opcode;
    const fin = whole ? header.fin : true;
    if (end === frame.end) this.#cameOpen = !header.fin;
    // An empty part of a message that has ended already: the other side knows nothing of it.
    if (whole && start === end && !asItCame && header.opcode === 0 && opcode !== 0) return undefined;
    this.#leftOpen = !fin;
    if (whole && opcode === header.opcode) return Buffer.from(header.bytes);
    const turned = header.mask?.map((_, index, mask) => mask[(at - start + index) % 4]!);
    return frameHeader({ fin, opcode, mask: turned, length: end - at });
  }

  /** A frame is over: its message ends, when it was the last one of it and others of it have left. */
  #finish({ header, end }: DataFrame): void {
    this.#cameOpen = !header.fin;
    if (!header.fin || !this.#leftOpen) return;
    this.#leftOpen = false;
    const { mask } = header;
    this.#outlet.send(frameHeader({ fin: true, opcode: 0, mask, length: 0 }), this.#sending(undefined, end, false));
  }

  #sending(verdict: Verdict | undefined, from: number, begins: boolean): Sending {
    const { size, gap, ...how } = verdict?.how ?? this.#judge.behind();
    const marks = this.#verdicts.flatMap(({ mark, offset, length }) =>
      mark && offset + length > from && offset < this.#sentTo ? [mark] : [],
    );
    const sent = () => {
      for (const mark of marks) mark.forwardedAt = this.#events.now();
    };
    // The writes of a split packet, each of one frame or of several.
    const inside = verdict && begins && from > verdict.offset && from - verdict.offset <= PREVIEW;
    const after = size && inside && (from - verdict.offset) % size === 0 ? { after: gap } : {};
    return { ...how, ...after, ...(marks.length ? { sent } : {}) };
  }

  /** Up to where the frame at the front has left. */
  get #sentTo(): number {
    const [first] = this.#queue;
    return first && !Buffer.isBuffer(first) ? first.at : Number.POSITIVE_INFINITY;
  }

  #corrupted(verdict: Verdict, { header, start }: DataFrame, from: number, bytes: Buffer): Buffer {
    const at = corruptAt(verdict);
    const place = verdict.offset + at;
    const raw = bytes[place - from];
    if (!verdict.mark || raw === undefined) return bytes;
    const key = header.mask?.[(place - start) % 4] ?? 0;
    const was = raw ^ key;
    const is = verdict.fault?.details.to ?? was ^ 0xff;
    verdict.mark.corruption = { at, was, is };
    const changed = Buffer.from(bytes);
    changed[place - from] = is ^ key;
    return changed;
  }

  #take(frame: DataFrame, many: number): Buffer {
    const all = frame.bytes.length === 1 ? frame.bytes[0]! : Buffer.concat(frame.bytes);
    const taken = all.subarray(0, many);
    frame.bytes = all.length > taken.length ? [all.subarray(taken.length)] : [];
    frame.at += taken.length;
    return taken;
  }
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

/** So many bytes of a frame wait at most until all packets in it are known. */
const PATIENCE = 1 << 20;
