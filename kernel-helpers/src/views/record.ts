import type { ByteField, Direction, Packet } from "../mqtt/packet";

export type { ByteField } from "../mqtt/packet";

/**
 * A packet as the tap recorded it and the codec took it apart. Views read this shape and nothing else of the mqtt room,
 * so that data saved in a notebook can be drawn again on a page.
 */
export interface PacketRecord {
  /** From 1, in the order in which the tap saw them: prose and drills refer to it. */
  readonly number: number;
  /** Milliseconds, on any clock: views show the difference to the first packet. */
  readonly at: number;
  readonly direction: Direction;
  /** From 1: which TCP connection. */
  readonly connection: number;
  readonly clientId?: string;
  readonly packet: Packet | DecodedPacket;
  /** All bytes of the packet; a hex string where the record was read back from a notebook. */
  readonly bytes: Uint8Array | string;
  /** How many bytes there were on the wire, also where `bytes` was shortened. Default: the length of `bytes`. */
  readonly length?: number;
  readonly fields?: readonly ByteField[];
  /** What the packet means: sentences that unfold with it. */
  readonly explanation?: readonly string[];
  /** Its reason code in words: "not authorized". */
  readonly reason?: string;
  /** What the tap was told to do with it. A dropped or cut packet never arrived; a frozen one did with `forwardedAt`. */
  readonly fault?: "dropped" | "cut" | "delayed" | "held" | "frozen" | "corrupted" | "split" | "coalesced";
  /** As `at`: when the other side got a packet with a fault. */
  readonly forwardedAt?: number;
  /** The byte that a corrupted packet arrived with. */
  readonly corruption?: { readonly at: number; readonly was: number; readonly is: number };
}

/** The packet by its fields in the specification's names, as the codec gives it or as a notebook kept it. */
export interface DecodedPacket {
  readonly type: Packet["type"] | (string & {});
  readonly [field: string]: unknown;
}

/** Bytes from either form. A hex string may have spaces; what is no hex ends it. */
export function toBytes(bytes: Uint8Array | string): Uint8Array {
  if (typeof bytes !== "string") return bytes;
  const pairs = bytes.replace(/\s+/g, "").match(/^(?:[0-9a-f]{2})*/i)?.[0] ?? "";
  return Uint8Array.from(pairs.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export const toHex = (bytes: Uint8Array): string => Array.from(bytes, hexByte).join("");
export const hexByte = (byte: number): string => byte.toString(16).padStart(2, "0");

export const wireLength = (record: PacketRecord): number => record.length ?? toBytes(record.bytes).length;

/** Whether the packet never reached the other side. */
export const lost = (record: PacketRecord): boolean =>
  record.fault === "dropped" ||
  record.fault === "cut" ||
  (record.fault === "frozen" && record.forwardedAt === undefined);

/** Who is at the other end: the id of that connection's client, also before the CONNACK that assigned it. */
export function clientNames(records: readonly PacketRecord[]): (record: PacketRecord) => string {
  const byConnection = new Map<number, string>();
  for (const record of records) {
    if (record.clientId) byConnection.set(record.connection, record.clientId);
  }
  return (record) => record.clientId || byConnection.get(record.connection) || `client ${record.connection}`;
}

/** A packet to keep in a notebook: bytes as hex and at most `limit` of them, payloads as what they are in the bytes. */
export function jsonRecord(record: PacketRecord, limit = 512): PacketRecord {
  const bytes = toBytes(record.bytes);
  return {
    ...record,
    packet: jsonSafe(record.packet) as DecodedPacket,
    bytes: toHex(bytes.subarray(0, limit)),
    length: wireLength(record),
  };
}

/** Data without what JSON cannot say: bytes become { hex, length }, other strangers text. */
export function jsonSafe(value: unknown, depth = 0): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (value instanceof Uint8Array) return { hex: toHex(value.subarray(0, 512)), length: value.length };
  if (typeof value === "object" && depth < 8) {
    if (Array.isArray(value)) return value.map((one) => jsonSafe(one, depth + 1));
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, one]) =>
        one === undefined || typeof one === "function" ? [] : [[key, jsonSafe(one, depth + 1)]],
      ),
    );
  }
  return value === undefined ? null : String(value);
}
