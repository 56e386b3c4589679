/** JSON messages on a byte stream: four bytes of length, big endian, then that many bytes of UTF-8. Page-safe. */

/** No honest message is larger: a tap's thousands of packets stay below. */
export const FRAME_LIMIT = 16 * 1024 * 1024;

export function frame(message: unknown): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(message));
  if (body.length > FRAME_LIMIT) throw new RangeError(`a message of ${body.length} bytes, ${FRAME_LIMIT} at most`);
  const out = new Uint8Array(4 + body.length);
  new DataView(out.buffer).setUint32(0, body.length);
  out.set(body, 4);
  return out;
}

/** Cuts a stream into messages, whatever its chunks. */
export class FrameReader {
  #chunks: Uint8Array[] = [];
  #have = 0;

  /** @throws RangeError for a length beyond the limit, SyntaxError for what isn't JSON: the stream is worth nothing then. */
  push(chunk: Uint8Array): unknown[] {
    this.#chunks.push(chunk);
    this.#have += chunk.length;
    const messages: unknown[] = [];
    for (;;) {
      if (this.#have < 4) return messages;
      const length = this.#peekLength();
      if (length > FRAME_LIMIT) throw new RangeError(`a message of ${length} bytes, ${FRAME_LIMIT} at most`);
      if (this.#have < 4 + length) return messages;
      const bytes = this.#join();
      messages.push(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(4, 4 + length))));
      const rest = bytes.subarray(4 + length);
      this.#chunks = rest.length ? [rest] : [];
      this.#have = rest.length;
    }
  }

  #peekLength(): number {
    if (this.#chunks[0]!.length < 4) this.#join();
    const first = this.#chunks[0]!;
    return new DataView(first.buffer, first.byteOffset, 4).getUint32(0);
  }

  #join(): Uint8Array {
    if (this.#chunks.length > 1) {
      const all = new Uint8Array(this.#have);
      let at = 0;
      for (const chunk of this.#chunks) {
        all.set(chunk, at);
        at += chunk.length;
      }
      this.#chunks = [all];
    }
    return this.#chunks[0]!;
  }
}
