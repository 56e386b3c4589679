import type { Decoded } from "./decoder";
import type { Packet, ProtocolVersion } from "./packet";
import { walk } from "./walk";

/** A packet that surely makes sense: its bytes stay where they came, and are read when somebody asks. */
export class Framed implements Decoded {
  readonly length: number;
  readonly offset: number;
  readonly protocolVersion: ProtocolVersion;
  /** The packet begins at `#start` of it. */
  #chunk: Uint8Array;
  #start: number;
  #packet: Packet | undefined;

  /** @param chunk must stay as it is until the packet was read. */
  constructor(chunk: Uint8Array, start: number, length: number, offset: number, protocolVersion: ProtocolVersion) {
    this.length = length;
    this.offset = offset;
    this.protocolVersion = protocolVersion;
    this.#chunk = chunk;
    this.#start = start;
  }

  get kind(): number {
    return this.#chunk[this.#start]! >> 4;
  }

  get bytes(): Uint8Array {
    this.#read();
    return this.#chunk;
  }

  get packet(): Packet {
    return this.#read();
  }

  /** From now on the bytes are its own, and the chunk may go. */
  #read(): Packet {
    if (this.#packet) return this.#packet;
    const { length, protocolVersion } = this;
    this.#chunk = copyOf(this.#chunk, this.#start, this.#start + length);
    this.#start = 0;
    this.#packet = walk(this.#chunk, { protocolVersion, length, fields: false }).packet;
    return this.#packet;
  }
}

/** A copy whose memory is its own, also of a Buffer. */
export const copyOf = (bytes: Uint8Array, start: number, end: number): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start).slice();
