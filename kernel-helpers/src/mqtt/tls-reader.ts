/** Looks through one direction of a TLS connection as an eavesdropper does: record by record, without any key. */
import type { Direction } from "./packet";
import { alertMessage, handshakeMessage, type TlsMessage, versionName } from "./tls-hello";

export type { TlsMessage } from "./tls-hello";

/** "not TLS" ends the reading: from there on a direction speaks something else. */
export type TlsRecordType = "handshake" | "change cipher spec" | "alert" | "application data" | "not TLS";

/** A TLS record as it passed a tap. */
export interface TlsRecord {
  /** From 1, in the order in which the tap saw them. */
  readonly number: number;
  /** Milliseconds since the tap was opened. */
  readonly at: number;
  readonly connection: number;
  readonly direction: Direction;
  readonly type: TlsRecordType;
  /** Bytes on the wire, with the header's five. */
  readonly length: number;
  readonly bytes: Uint8Array;
  /** Whether its content is for the two ends only. */
  readonly encrypted: boolean;
  /** What anybody on the way can read: the messages that end in this record. */
  readonly messages: readonly TlsMessage[];
}

/** What a reader knows of a record. */
export type HeardRecord = Pick<TlsRecord, "type" | "length" | "bytes" | "encrypted" | "messages">;

/** What both directions of one connection have to know of each other: the version, once the server has chosen it. */
export interface TlsAgreement {
  version?: string;
}

const TYPES: Readonly<Record<number, TlsRecordType>> = {
  20: "change cipher spec",
  21: "alert",
  22: "handshake",
  23: "application data",
};

/** RFC 8446, 5.1 and 5.2: 2^14 bytes, and what encryption adds. */
const LARGEST = 16_384 + 2_048;

export class TlsReader {
  readonly #agreement: TlsAgreement;
  readonly #heard: (record: HeardRecord) => void;
  #rest = Buffer.alloc(0);
  /** Handshake messages are a stream of their own: one may span records. */
  #handshake = Buffer.alloc(0);
  #changed = false;
  #plain = false;

  constructor(agreement: TlsAgreement, heard: (record: HeardRecord) => void) {
    this.#agreement = agreement;
    this.#heard = heard;
  }

  push(chunk: Uint8Array): [] {
    if (this.#plain) return [];
    let bytes = this.#rest.length ? Buffer.concat([this.#rest, chunk]) : Buffer.from(chunk);
    while (bytes.length >= 5) {
      const type = TYPES[bytes[0]!];
      const length = bytes.readUInt16BE(3);
      if (!type || bytes[1] !== 3 || length > LARGEST) return this.#stop(bytes);
      if (bytes.length < 5 + length) break;
      this.#record(type, bytes.subarray(0, 5 + length));
      bytes = bytes.subarray(5 + length);
    }
    this.#rest = Buffer.from(bytes);
    return [];
  }

  end(): [] {
    if (this.#rest.length) this.#stop(this.#rest);
    return [];
  }

  #record(type: TlsRecordType, bytes: Buffer): void {
    const body = bytes.subarray(5);
    // In TLS 1.3 what is encrypted says so: it calls itself application data. In 1.2 it comes after the change.
    const encrypted = type === "application data" || (this.#changed && this.#agreement.version === "TLS 1.2");
    const messages: TlsMessage[] = [];
    if (!encrypted && type === "handshake") messages.push(...this.#messages(body));
    if (!encrypted && type === "alert") messages.push(alertMessage(body));
    if (type === "change cipher spec") this.#changed = true;
    this.#heard({ type, length: bytes.length, bytes: Uint8Array.from(bytes), encrypted: encrypted, messages });
  }

  #messages(body: Buffer): TlsMessage[] {
    const found: TlsMessage[] = [];
    let bytes = Buffer.concat([this.#handshake, body]);
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUIntBE(1, 3)) {
      const length = 4 + bytes.readUIntBE(1, 3);
      const message = handshakeMessage(bytes.subarray(0, length));
      if (message.name === "ServerHello" || message.name === "HelloRetryRequest") {
        this.#agreement.version = message.versions?.[0] ?? versionName(0);
      }
      found.push(message);
      bytes = bytes.subarray(length);
    }
    this.#handshake = Buffer.from(bytes);
    return found;
  }

  #stop(bytes: Buffer): [] {
    this.#plain = true;
    this.#rest = Buffer.alloc(0);
    const kept = Uint8Array.from(bytes);
    this.#heard({ type: "not TLS", length: kept.length, bytes: kept, encrypted: false, messages: [] });
    return [];
  }
}
