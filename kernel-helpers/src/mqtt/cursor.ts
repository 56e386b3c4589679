import type { ByteField } from "./packet";

/** Bytes that make no sense, from where on, and which statement of the specification they break. */
export class Malformed extends Error {
  constructor(
    message: string,
    readonly clause: string,
  ) {
    super(message);
  }
}

/** The packet goes on, but only its beginning was kept. */
export class CutShort extends Error {}

/** A receiver that meets a malformed packet closes the connection. */
export const CLOSE = "[MQTT-4.13.1-1]";

/**
 * Reads a packet's bytes from the front. Each read throws Malformed at the packet's end; `mark` names what was read
 * since the last mark, so that the marked ranges always tile the bytes.
 */
export class Cursor {
  position = 0;
  /** Statements about text have other numbers in MQTT 3.1.1. */
  version: number = 5;
  #marked = 0;

  /** @param end where the packet ends, which is beyond `bytes` when only its beginning was kept. */
  constructor(
    readonly bytes: Uint8Array,
    readonly end: number,
    readonly fields: ByteField[] | undefined,
  ) {}

  get left(): number {
    return this.end - this.position;
  }

  get marked(): number {
    return this.#marked;
  }

  /** Names the bytes from the last mark to here. `words` is called only where somebody wants to read it. */
  mark(name: string, words?: () => string): void {
    if (this.fields && this.position > this.#marked) {
      this.fields.push({ name, start: this.#marked, end: this.position, ...(words ? { text: words() } : {}) });
    }
    this.#marked = this.position;
  }

  byte(what: string): number {
    const at = this.#take(1, what);
    return this.bytes[at]!;
  }

  two(what: string): number {
    const at = this.#take(2, what);
    return this.bytes[at]! * 256 + this.bytes[at + 1]!;
  }

  four(what: string): number {
    const at = this.#take(4, what);
    const b = this.bytes;
    return b[at]! * 0x1000000 + b[at + 1]! * 0x10000 + b[at + 2]! * 0x100 + b[at + 3]!;
  }

  /** A variable byte integer: 7 bits a byte, the lowest first, at most four bytes (1.5.5). */
  variable(what: string): number {
    let value = 0;
    for (let n = 0, unit = 1; n < 4; n++, unit *= 128) {
      const byte = this.byte(what);
      value += (byte & 127) * unit;
      if (byte < 128) {
        if (byte === 0 && n > 0) {
          throw new Malformed(`${what} is written in more bytes than it needs`, "[MQTT-1.5.5-1]");
        }
        return value;
      }
    }
    throw new Malformed(`${what} is a variable byte integer of more than four bytes`, CLOSE);
  }

  /** Two bytes of length, then as many bytes: a view of the packet's. */
  binary(what: string): Uint8Array {
    const length = this.two(`the length of ${what}`);
    const at = this.#take(length, what, true);
    return this.bytes.subarray(at, at + length);
  }

  /** Two bytes of length, then UTF-8 (1.5.4). */
  string(what: string): string {
    const length = this.two(`the length of ${what}`);
    const at = this.#take(length, what, true);
    const text = decodeText(this.bytes, at, at + length);
    if (text === undefined)
      throw new Malformed(`${what} is not well-formed UTF-8`, this.version === 5 ? "[MQTT-1.5.4-1]" : "[MQTT-1.5.3-1]");
    if (text.includes("\u0000")) {
      throw new Malformed(
        `${what} contains the null character`,
        this.version === 5 ? "[MQTT-1.5.4-2]" : "[MQTT-1.5.3-2]",
      );
    }
    return text;
  }

  /** All that is left, as far as it was kept. */
  rest(): Uint8Array {
    const at = this.position;
    this.position = Math.max(at, Math.min(this.end, this.bytes.length));
    return this.bytes.subarray(at, this.position);
  }

  #take(count: number, what: string, said = false): number {
    const at = this.position;
    if (at + count > this.end) {
      const left = Math.max(0, this.end - at);
      const wants = said ? `${what} says it has ${count} bytes` : `${what} needs ${bytesText(count)}`;
      throw new Malformed(`${wants}, the packet has ${left} left`, CLOSE);
    }
    if (at + count > this.bytes.length) throw new CutShort();
    this.position = at + count;
    return at;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Undefined for what is not UTF-8. Most names are short ASCII, for which a decoder's call costs more than a loop. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string | undefined {
  let at = start;
  if (end - start <= 256) while (at < end && bytes[at]! < 128) at++;
  if (at === end) return String.fromCharCode.apply(null, bytes.subarray(start, end) as unknown as number[]);
  try {
    return utf8.decode(bytes.subarray(start, end));
  } catch {
    return undefined; // not UTF-8, which the caller names
  }
}

/** A payload's beginning as text, when it is UTF-8 without control characters other than tabs and line breaks. */
export function preview(bytes: Uint8Array, limit = 256): string | undefined {
  let end = Math.min(bytes.length, limit);
  // Not through the middle of a character: the byte after the cut begins one.
  while (end < bytes.length && end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  const text = decodeText(bytes, 0, end);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what marks binary data
  return text === undefined || /[\u0000-\u0008\u000e-\u001f]/.test(text) ? undefined : text;
}

export const bytesText = (count: number): string => `${count} byte${count === 1 ? "" : "s"}`;
export const hexCode = (code: number): string => `0x${code.toString(16).toUpperCase().padStart(2, "0")}`;
