import { createHash } from "node:crypto";
import { type Decoded, fieldsOf, type Hasher } from "./codec";
import { explainPacket, reasonOf } from "./explain";
import type { ByteField, Direction, Packet, PacketType, ProtocolVersion } from "./packet";

/** A packet that went through a tap. */
export interface PacketRecord {
  /** From 1, in the order in which the tap saw them. `clear` does not begin again. */
  readonly number: number;
  /** Milliseconds since the tap was opened, by a clock that never goes back. */
  readonly at: number;
  /** Milliseconds since 1970. */
  readonly epoch: number;
  readonly direction: Direction;
  /** From 1: which TCP connection. */
  readonly connection: number;
  /** As CONNECT says it, or CONNACK where the broker assigned it. */
  readonly clientId?: string;
  readonly protocolVersion: ProtocolVersion;
  readonly packet: Packet;
  /** All bytes, or of a packet of more than 64 KiB the first. */
  readonly bytes: Uint8Array;
  /** Bytes on the wire. */
  readonly length: number;
  /** SHA-256 in hex, of packets that are not kept whole. */
  readonly hash?: string;
  /** The byte range of each field; together they cover `bytes` once. */
  readonly fields: readonly ByteField[];
  /** What the packet means, sentence by sentence. */
  readonly explanation: readonly string[];
  /** The name of its reason code: "Not authorized". */
  readonly reason?: string;
  /** What the tap was told to do with it; absent when it went through as it came. */
  readonly fault?: FaultKind;
  /** As `at`: when the other side got it. Only of a packet with a fault; absent while it waits, or when it never left. */
  readonly forwardedAt?: number;
  /** What a corrupted packet became: `bytes` are as its sender wrote them. */
  readonly corruption?: Corruption;
}

/** What a tap can do to a packet. Behind one that waits, the others of its direction wait too, and say so. */
export type FaultKind = "dropped" | "cut" | "delayed" | "held" | "frozen" | "corrupted" | "split" | "coalesced";

/** One byte of a packet, counted from 0. */
export interface Corruption {
  readonly at: number;
  readonly was: number;
  readonly is: number;
}

/** What became of a packet with a fault; it may still change. */
export interface Mark {
  readonly fault: FaultKind;
  forwardedAt?: number;
  corruption?: Corruption;
}

/** Which packets: a type, a test, or what their fields have to be. */
export type PacketFilter =
  | PacketType
  | ((record: PacketRecord) => boolean)
  | {
      readonly type?: PacketType;
      readonly direction?: Direction;
      readonly connection?: number;
      readonly clientId?: string;
      readonly topicName?: string;
      readonly packetIdentifier?: number;
      readonly qos?: number;
    };

/** What of a record is known when its packet comes, the same for all that come with one chunk. */
export interface Seen {
  readonly at: number;
  readonly epoch: number;
  readonly direction: Direction;
  readonly connection: { readonly number: number; readonly clientId?: string };
  readonly mark?: Mark;
}

/** Fields and sentences are computed when somebody reads them; as own properties, so that copies keep them. */
export function packetRecord(number: number, seen: Seen, decoded: Decoded): PacketRecord {
  const { packet, bytes, length, hash, protocolVersion } = decoded;
  let fields: ByteField[] | undefined;
  const record: PacketRecord = {
    number,
    at: seen.at,
    epoch: seen.epoch,
    direction: seen.direction,
    connection: seen.connection.number,
    get clientId() {
      return seen.connection.clientId;
    },
    protocolVersion,
    packet,
    bytes,
    length,
    hash,
    get fields() {
      fields ??= fieldsOf(decoded);
      return fields;
    },
    get explanation() {
      return explainPacket(packet, { protocolVersion, direction: seen.direction });
    },
    get reason() {
      return reasonOf(packet, protocolVersion)?.name;
    },
  };
  return seen.mark ? marked(record, seen.mark) : record;
}

function marked(record: PacketRecord, mark: Mark): PacketRecord {
  const own = (get: () => unknown) => ({ get, enumerable: true });
  return Object.defineProperties(record, {
    fault: own(() => mark.fault),
    forwardedAt: own(() => mark.forwardedAt),
    ...(mark.fault === "corrupted" ? { corruption: own(() => mark.corruption) } : {}),
  });
}

/** A filter as a test. */
export function filterTest(filter: PacketFilter | undefined): (record: PacketRecord) => boolean {
  if (filter === undefined) return () => true;
  if (typeof filter === "function") return filter;
  const wanted: Record<string, unknown> = typeof filter === "string" ? { type: filter } : { ...filter };
  return (record) =>
    Object.entries(wanted).every(([key, value]) => {
      const own = key === "direction" || key === "connection" || key === "clientId";
      return value === undefined || (own ? record : record.packet)[key as never] === value;
    });
}

/** A filter in words, for messages. */
export function filterText(filter: PacketFilter | undefined): string {
  if (filter === undefined) return "a packet";
  if (typeof filter === "string") return `a ${filter}`;
  return typeof filter === "function" ? "a packet of that kind" : `a packet with ${JSON.stringify(filter)}`;
}

export function sha256(): Hasher {
  const hash = createHash("sha256");
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest("hex") };
}
