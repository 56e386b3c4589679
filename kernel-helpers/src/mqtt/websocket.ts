import type { Decoded, PacketDecoder } from "./codec";
import type { Direction } from "./packet";

/** A frame of a WebSocket connection as it passed a tap, or the HTTP head before the first of them. */
export interface WebSocketFrame {
  /** From 1, in the order in which the tap saw them. */
  readonly number: number;
  /** Milliseconds since the tap was opened, when its header was whole. */
  readonly at: number;
  readonly connection: number;
  readonly direction: Direction;
  readonly kind: FrameKind;
  /** The last frame of its message. */
  readonly fin: boolean;
  /** Clients mask what they send, servers do not (RFC 6455, 5.1). */
  readonly masked: boolean;
  /** Bytes before the payload: what the frame costs. Of an HTTP head all of it. */
  readonly header: number;
  /** Bytes on the wire, with the header. */
  readonly length: number;
  /** Of an HTTP head its text: the request, or the answer to it. */
  readonly text?: string;
  /** The numbers of the packets that have bytes in it, as they become whole: a frame is not a packet [MQTT-6.0.0-2]. */
  readonly packets: readonly number[];
}

export type FrameKind = "HTTP" | "continuation" | "text" | "binary" | "close" | "ping" | "pong" | "reserved";

/** What a reader knows of a frame; `packets` is filled as packets become whole. */
export type SeenFrame = Omit<WebSocketFrame, "number" | "at" | "connection" | "direction" | "packets"> & {
  readonly packets: number[];
};

/** A frame's header as it came. */
export interface FrameHeader {
  readonly bytes: Uint8Array;
  /** It carries packets; else it is a control frame. */
  readonly data: boolean;
  readonly fin: boolean;
  /** 0 for a continuation. */
  readonly opcode: number;
  readonly mask?: Uint8Array;
  /** Bytes of payload. */
  readonly length: number;
}

/** What passes, for who forwards it: all of it, in the order of the wire, as it came. */
export interface WireSink {
  /** Bytes that carry no packets: an HTTP head, what is no WebSocket. */
  plain(bytes: Uint8Array): void;
  frame(header: FrameHeader): void;
  /** Of the frame whose header came last. */
  payload(bytes: Uint8Array): void;
}

const KINDS: Readonly<Record<number, FrameKind>> = {
  0: "continuation",
  1: "text",
  2: "binary",
  8: "close",
  9: "ping",
  10: "pong",
};

/**
 * Looks through one direction of a WebSocket connection: skips the HTTP head, takes the frames apart (RFC 6455, 5.2)
 * and hands what they carry to the decoder. It only reads; frames and packets need not begin together [MQTT-6.0.0-2].
 */
export class WebSocketReader {
  readonly decoder: PacketDecoder;
  /** Bytes so far. */
  bytes = 0;
  /** A message has begun whose last frame has not. */
  inMessage = false;
  readonly #seen: (frame: SeenFrame) => void;
  /** Frames whose bytes are not all within packets that are whole, with where they end in the stream of packets. */
  #open: { readonly frame: SeenFrame; readonly start: number; readonly end: number }[] = [];
  /** How many bytes of packets the frames until now have announced. */
  #announced = 0;
  #head: Uint8Array | undefined = new Uint8Array(0);
  /** Bytes of a frame's header that has not come whole. */
  #rest: Uint8Array = new Uint8Array(0);
  #left = 0;
  #mask: Uint8Array | undefined;
  #maskAt = 0;
  #data = false;
  #plain = false;
  #sink: WireSink | undefined;

  constructor(decoder: PacketDecoder, seen: (frame: SeenFrame) => void = () => undefined) {
    this.decoder = decoder;
    this.#seen = seen;
  }

  /** How many bytes of packets are still to come in the frame at hand. */
  get left(): number {
    return this.#data ? this.#left : 0;
  }

  /** Bytes of a header that has not come whole. */
  get unread(): Uint8Array {
    return this.#rest;
  }

  /** Says which frames a packet came in. In the order of the stream. */
  carried(number: number, { offset, length }: Pick<Decoded, "offset" | "length">): void {
    const end = offset + length;
    for (const one of this.#open) if (one.start < end && one.end > offset) one.frame.packets.push(number);
    this.#open = this.#open.filter((one) => one.end > end);
  }

  push(chunk: Uint8Array, sink?: WireSink): Decoded[] {
    this.bytes += chunk.length;
    this.#sink = sink;
    if (this.#plain) {
      sink?.plain(chunk);
      return this.decoder.push(chunk);
    }
    const bytes = this.#head ? this.#skipHead(chunk) : chunk;
    return bytes ? this.#frames(bytes) : [];
  }

  end(): Decoded[] {
    return this.#head?.length ? this.#giveUp(this.#head) : this.decoder.end();
  }

  /** The bytes behind the HTTP head, once it has come whole. */
  #skipHead(chunk: Uint8Array): Uint8Array | undefined {
    const before = this.#head!.length;
    const bytes = join(this.#head!, chunk);
    const text = new TextDecoder("latin1").decode(bytes.subarray(0, 16_384));
    const end = text.indexOf("\r\n\r\n");
    const upgrade = /^(?:GET |HTTP\/1\.1 101)/.test(text);
    if (end < 0 && bytes.length < 16_384 && (upgrade || text.length < 12)) {
      this.#head = bytes;
      this.#sink?.plain(chunk);
      return undefined;
    }
    this.#head = undefined;
    if (end >= 0 && upgrade) {
      const head = end + 4;
      const said = { header: head, length: head, text: text.slice(0, head), packets: [] };
      this.#seen({ kind: "HTTP", fin: true, masked: false, ...said });
      this.#sink?.plain(chunk.subarray(0, head - before));
      return bytes.subarray(head);
    }
    this.#plain = true;
    this.#rest = bytes;
    this.#sink?.plain(chunk);
    return new Uint8Array(0);
  }

  #giveUp(bytes: Uint8Array): Decoded[] {
    this.#plain = true;
    this.#head = undefined;
    this.#rest = new Uint8Array(0);
    return this.decoder.push(bytes);
  }

  #frames(chunk: Uint8Array): Decoded[] {
    if (this.#plain) return this.#giveUp(this.#rest);
    const out: Decoded[] = [];
    let bytes = this.#rest.length ? join(this.#rest, chunk) : chunk;
    this.#rest = new Uint8Array(0);
    while (bytes.length) {
      if (this.#left === 0) {
        const header = this.#header(bytes);
        if (header === 0) {
          this.#rest = bytes.slice();
          return out;
        }
        bytes = bytes.subarray(header);
        continue;
      }
      const mine = bytes.subarray(0, this.#left);
      bytes = bytes.subarray(mine.length);
      this.#left -= mine.length;
      this.#sink?.payload(mine);
      if (this.#data) out.push(...this.decoder.push(this.#unmask(mine), this.#sink !== undefined));
    }
    return out;
  }

  /** How many bytes the next frame's header takes; 0 while it is not whole. */
  #header(bytes: Uint8Array): number {
    if (bytes.length < 2) return 0;
    const short = bytes[1]! & 127;
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
    const masked = bytes[1]! > 127;
    const size = 2 + extra + (masked ? 4 : 0);
    if (bytes.length < size) return 0;
    let length = extra ? 0 : short;
    for (let at = 2; at < 2 + extra; at++) length = length * 256 + bytes[at]!;
    const opcode = bytes[0]! & 15;
    const fin = bytes[0]! > 127;
    this.#data = opcode < 8;
    if (this.#data) this.inMessage = !fin;
    this.#left = length;
    this.#mask = masked ? bytes.slice(size - 4, size) : undefined;
    this.#maskAt = 0;
    this.#announce({
      kind: KINDS[opcode] ?? "reserved",
      fin,
      masked,
      header: size,
      length: size + length,
      packets: [],
    });
    this.#sink?.frame({ bytes: bytes.slice(0, size), data: this.#data, fin, opcode, mask: this.#mask, length });
    return size;
  }

  #announce(frame: SeenFrame): void {
    this.#seen(frame);
    // After bytes that are no MQTT no packet comes that could be in a frame.
    if (!this.#data || this.#left === 0 || this.decoder.stopped) return;
    const start = this.#announced;
    this.#announced += this.#left;
    this.#open.push({ frame, start, end: this.#announced });
  }

  #unmask(bytes: Uint8Array): Uint8Array {
    const mask = this.#mask;
    if (!mask) return bytes;
    const at = this.#maskAt;
    this.#maskAt = (at + bytes.length) % 4;
    const out = new Uint8Array(bytes.length);
    for (let index = 0; index < bytes.length; index++) out[index] = bytes[index]! ^ mask[(at + index) & 3]!;
    return out;
  }
}

/** The header of a frame of our own (RFC 6455, 5.2). */
export function frameHeader({ fin, opcode, mask, length }: Omit<FrameHeader, "bytes" | "data">): Buffer {
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = Buffer.alloc(2 + extra);
  header[0] = (fin ? 128 : 0) | opcode;
  header[1] = (mask ? 128 : 0) | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) header.writeUInt16BE(length, 2);
  if (extra === 8) header.writeBigUInt64BE(BigInt(length), 2);
  return mask ? Buffer.concat([header, mask]) : header;
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
