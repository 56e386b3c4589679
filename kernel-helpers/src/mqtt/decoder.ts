import { bytesText, CLOSE } from "./cursor";
import { foreignProtocol } from "./foreign";
import { copyOf, Framed } from "./framed";
import { HEADER, headerEnd, remainingLength, surelyWellFormed } from "./glance";
import { type ByteField, type Direction, PACKET_TYPES, type Packet, type ProtocolVersion } from "./packet";
import { walk } from "./walk";

/** What both directions of a connection have to agree on: CONNECT says it, and it steers both parsers. */
export interface Agreement {
  protocolVersion?: ProtocolVersion;
}

/** A running hash, for packets that are too large to keep. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  hex(): string;
}

export interface DecoderOptions {
  /** Default "to-broker". Towards the broker the first packet has to be a CONNECT [MQTT-3.1.0-1]. */
  readonly direction?: Direction;
  /** Shared by the two directions of one connection. Without a CONNECT seen, bytes are read as MQTT 5. */
  readonly agreement?: Agreement;
  /** How many bytes of a packet to keep; default all. Of larger ones the first, the length and the hash stay. */
  readonly keep?: number;
  readonly hash?: () => Hasher;
  /** The stream begins somewhere in the middle: don't ask for a CONNECT first. */
  readonly midway?: boolean;
  /**
   * Packets that surely make sense are read when somebody asks for their fields, which most never are. The bytes that
   * are pushed must stay as they are until then.
   */
  readonly lazy?: boolean;
}

/** A packet of a stream. */
export interface Decoded {
  /** The type that its first byte claims: 1 is CONNECT. Known before anything else is read. */
  readonly kind: number;
  readonly packet: Packet;
  /** All bytes of the packet, or the first of them. */
  readonly bytes: Uint8Array;
  /** Bytes on the wire. */
  readonly length: number;
  /** SHA-256 of all bytes, in hex, when `bytes` holds only the first. */
  readonly hash?: string;
  /** Where in its direction of the connection it begins. */
  readonly offset: number;
  /** What it was read as. */
  readonly protocolVersion: ProtocolVersion;
}

/** A packet of which not all bytes have come. */
interface Partial {
  readonly bytes: Uint8Array;
  readonly length: number;
  have: number;
  readonly hasher?: Hasher;
}

const NONE = new Uint8Array(0);
/** How many bytes of what is no MQTT a record shows. */
const STRANGE = 4096;

/**
 * Takes one direction of a connection apart, however its bytes are cut into pieces. Bytes that are no MQTT become one
 * MALFORMED packet; from there on they are only counted, for nothing can say where the next packet begins.
 */
export class PacketDecoder {
  readonly agreement: Agreement;
  /** Bytes so far. */
  bytes = 0;
  readonly #options: DecoderOptions;
  readonly #keep: number;
  #head: Uint8Array = NONE;
  #partial: Partial | undefined;
  #packets = 0;
  #connected: boolean;
  /** Where the packet in hand begins. */
  #offset = 0;
  #stopped = false;
  /** The bytes in hand are a copy, and their packets are read at once. */
  #now = true;

  constructor(options: DecoderOptions = {}) {
    this.#options = options;
    this.#keep = Math.max(HEADER, options.keep ?? Number.POSITIVE_INFINITY);
    this.agreement = options.agreement ?? {};
    // Only who speaks to a broker has to begin with a CONNECT.
    this.#connected = options.midway || options.direction === "to-client";
  }

  /** After a malformed packet: bytes are counted, not read. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Where in the stream the packet begins whose bytes come next, or are coming. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * A packet of which at least `least` bytes have come and not all: what the kept ones of them say. A large PUBLISH is
   * known long before its payload's end.
   */
  preview(least: number): Decoded | undefined {
    const part = this.#partial;
    if (!part || part.have < Math.min(least, part.bytes.length)) return undefined;
    const bytes = part.bytes.slice(0, Math.min(part.have, part.bytes.length));
    if (bytes[0]! >> 4 === 1) this.#agree(bytes);
    const protocolVersion = this.#version(bytes);
    const { packet } = walk(bytes, { protocolVersion, length: part.length, fields: false });
    return { kind: bytes[0]! >> 4, packet, bytes, length: part.length, offset: this.#offset, protocolVersion };
  }

  /**
   * The packets that these bytes complete.
   * @param now whether they are read at once, although the decoder is lazy.
   */
  push(chunk: Uint8Array, now = false): Decoded[] {
    this.bytes += chunk.length;
    this.#now = now || !this.#options.lazy;
    const out: Decoded[] = [];
    const bytes = this.#head.length ? join(this.#head, chunk) : this.#now ? this.#ownCopy(chunk) : chunk;
    this.#head = NONE;
    for (let at = 0; at < bytes.length && !this.#stopped; ) {
      at = this.#partial ? this.#fill(bytes, at, out) : this.#begin(bytes, at, out);
    }
    return out;
  }

  /** One copy for all packets of a chunk: the sender may use its memory again, and so many small ones cost time. */
  #ownCopy(chunk: Uint8Array): Uint8Array {
    const part = this.#partial;
    return part && part.length - part.have >= chunk.length ? chunk : copyOf(chunk, 0, chunk.length);
  }

  /** The connection has ended: what is left of a packet that never came whole. */
  end(): Decoded[] {
    const out: Decoded[] = [];
    if (this.#stopped) return out;
    const part = this.#partial;
    if (part) {
      const kept = part.bytes.slice(0, Math.min(part.have, part.bytes.length));
      this.#stop(
        out,
        kept,
        `the connection ended after ${part.have} of ${bytesText(part.length)}`,
        undefined,
        part.have,
      );
    } else if (this.#head.length) {
      this.#stop(out, this.#head, `the connection ended after ${bytesText(this.#head.length)} of a packet`);
    }
    this.#stopped = true;
    return out;
  }

  /** Reads the fixed header at `start`, and the packet when all of it is there. Returns where to go on. */
  #begin(bytes: Uint8Array, start: number, out: Decoded[]): number {
    if (this.#packets === 0) this.#strange(bytes.subarray(start), out);
    if (this.#stopped) return bytes.length;
    const body = headerEnd(bytes, start);
    const endless = body < 0 && "the Remaining Length goes on for more than four bytes";
    const wrong = endless || (bytes[start]! >> 4 === 0 && "packet type 0 is forbidden");
    if (wrong) {
      this.#stop(out, bytes.subarray(start), wrong, CLOSE);
      return bytes.length;
    }
    if (body === 0) {
      this.#head = copyOf(bytes, start, bytes.length);
      return bytes.length;
    }
    const length = body - start + remainingLength(bytes, start, body);
    if (start + length <= bytes.length && length <= this.#keep) {
      this.#whole(out, bytes, start, body, length);
      return start + length;
    }
    const hasher = length > this.#keep ? this.#options.hash?.() : undefined;
    this.#partial = { bytes: new Uint8Array(Math.min(length, this.#keep)), length, have: 0, hasher };
    return start;
  }

  /** A stream that begins with what is no MQTT. */
  #strange(bytes: Uint8Array, out: Decoded[]): void {
    const foreign = foreignProtocol(bytes);
    if (foreign) {
      this.#stop(out, bytes, `these bytes are not MQTT, they look like ${foreign}`);
      return;
    }
    const strange = this.#options.midway ? undefined : strangeStart(bytes[0]!, this.#options.direction);
    if (strange) this.#stop(out, bytes, strange, this.#startClause());
  }

  #fill(chunk: Uint8Array, start: number, out: Decoded[]): number {
    const part = this.#partial!;
    const end = Math.min(chunk.length, start + part.length - part.have);
    const mine = chunk.subarray(start, end);
    const room = part.bytes.length - part.have;
    if (room > 0) part.bytes.set(mine.length > room ? mine.subarray(0, room) : mine, part.have);
    part.hasher?.update(mine);
    part.have += mine.length;
    if (part.have < part.length) return end;
    this.#partial = undefined;
    if (part.length > part.bytes.length) this.#packet(out, part.bytes, part.length, part.hasher?.hex());
    else this.#whole(out, part.bytes, 0, headerEnd(part.bytes, 0), part.length);
    return end;
  }

  #whole(out: Decoded[], bytes: Uint8Array, start: number, body: number, length: number): void {
    const version = this.#canWait;
    if (version === undefined || !surelyWellFormed(bytes, start, body, start + length, version)) {
      const own = this.#now ? bytes.subarray(start, start + length) : copyOf(bytes, start, start + length);
      this.#packet(out, own, length);
      return;
    }
    out.push(new Framed(bytes, start, length, this.#offset, version));
    this.#packets++;
    this.#offset += length;
  }

  /** The version, when it is known and nothing but a malformed packet has to be noticed at once. */
  get #canWait(): ProtocolVersion | undefined {
    return !this.#now && this.#connected ? this.agreement.protocolVersion : undefined;
  }

  #packet(out: Decoded[], bytes: Uint8Array, length: number, hash?: string): void {
    if (bytes[0]! >> 4 === 1) this.#agree(bytes);
    const protocolVersion = this.#version(bytes);
    const { packet, malformed } = walk(bytes, { protocolVersion, length, fields: false });
    const seen = this.#inOrder(packet);
    const kind = bytes[0]! >> 4;
    out.push({ kind, packet: seen, bytes, length, offset: this.#offset, protocolVersion, ...(hash ? { hash } : {}) });
    this.#packets++;
    this.#offset += length;
    this.#stopped = malformed;
  }

  /** CONNECT's own level counts before its other fields are read, so that a broken CONNECT steers as well. */
  #agree(bytes: Uint8Array): void {
    let at = 1;
    while (at < HEADER && bytes[at]! > 127) at++;
    const name = bytes[at + 1]! * 256 + bytes[at + 2]!;
    const version = (bytes[at + 3 + name] ?? 0) & 0x7f;
    if (version === 3 || version === 4 || version === 5) this.agreement.protocolVersion ??= version;
  }

  #version(bytes: Uint8Array): ProtocolVersion {
    const agreed = this.agreement.protocolVersion;
    if (agreed) return agreed;
    // A CONNACK of two bytes is that of version 3: the answer to a version that the broker doesn't speak.
    return bytes[0] === 0x20 && bytes[1] === 2 ? 4 : 5;
  }

  #inOrder(packet: Packet): Packet {
    if ((this.#options.direction ?? "to-broker") !== "to-broker" || packet.problem) {
      this.#connected ||= packet.type === "CONNECT";
      return packet;
    }
    const first = !this.#connected;
    this.#connected = true;
    if (first && packet.type !== "CONNECT") {
      const problem = `the first packet of a client has to be CONNECT, this is ${packet.type}`;
      return { ...packet, problem, clause: "[MQTT-3.1.0-1]" };
    }
    if (!first && packet.type === "CONNECT" && !this.#options.midway) {
      return { ...packet, problem: "a second CONNECT on the same connection", clause: "[MQTT-3.1.0-2]" };
    }
    return packet;
  }

  #startClause(): string {
    return this.#options.direction === "to-client" ? "[MQTT-3.2.0-1]" : "[MQTT-3.1.0-1]";
  }

  #stop(out: Decoded[], bytes: Uint8Array, problem: string, clause?: string, length = bytes.length): void {
    const kept = copyOf(bytes, 0, Math.min(bytes.length, STRANGE, this.#keep));
    const kind = (bytes[0] ?? 0) >> 4;
    const packet: Packet = { type: "MALFORMED", problem, clause, claims: PACKET_TYPES[kind] };
    const protocolVersion = this.agreement.protocolVersion ?? 5;
    out.push({ kind, packet, bytes: kept, length, offset: this.#offset, protocolVersion });
    this.#stopped = true;
    this.#partial = undefined;
  }
}

/** The byte ranges of a packet's fields, which tile it; computed when asked for. */
export function fieldsOf(one: Pick<Decoded, "bytes" | "length" | "protocolVersion" | "packet">): ByteField[] {
  const { bytes, length, protocolVersion, packet } = one;
  const body = headerEnd(bytes, 0);
  if (body < 1 || body + remainingLength(bytes, 0, body) !== length) {
    return bytes.length ? [{ name: "makes no sense", start: 0, end: bytes.length, text: packet.problem ?? "" }] : [];
  }
  return [...walk(bytes, { protocolVersion, length, fields: true }).fields];
}

/** Why a stream that begins with this byte is no MQTT. */
function strangeStart(byte: number, direction: Direction = "to-broker"): string | undefined {
  const type = byte >> 4;
  const flags = byte & 15;
  const wanted = type === 6 || type === 8 || type === 10 ? 2 : 0;
  if (type === 3 || flags === wanted) return undefined;
  const first = direction === "to-broker" ? "CONNECT" : "CONNACK";
  return `the first byte ${hex(byte)} is no ${first}: type ${type} with the flags ${flags.toString(2).padStart(4, "0")}`;
}

const hex = (byte: number) => `0x${byte.toString(16).padStart(2, "0").toUpperCase()}`;

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
