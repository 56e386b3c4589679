/**
 * Bytes to packets and back, for MQTT 3.1, 3.1.1 and 5.0, without any Node built-in: it runs in a page too.
 *
 * The protocol version of CONNECT steers both directions: a stream of MQTT 5 read as 3.1.1 is silently misread, its
 * properties taken for payload.
 */

import { type Agreement, type Decoded, fieldsOf, PacketDecoder } from "./decoder";
import { toHexBytes } from "./hex";
import type { ByteField, Direction, ProtocolVersion } from "./packet";

export { type Agreement, type Decoded, type DecoderOptions, fieldsOf, type Hasher, PacketDecoder } from "./decoder";
export { type EncodeOptions, encodePacket, type PacketToEncode } from "./encode";
export type {
  ByteField,
  Direction,
  Packet,
  PacketType,
  Properties,
  ProtocolVersion,
  Subscription,
  UserProperty,
  Will,
} from "./packet";
export { VERSION_NAMES } from "./packet";

export interface DecodeOptions {
  /** Default: that of a CONNECT among the bytes, else 5. */
  readonly protocolVersion?: ProtocolVersion;
  /** Which way they travelled. Default: it doesn't matter, and any packet may come first. */
  readonly direction?: Direction;
}

/** A packet with its bytes and what each of them says. */
export interface DecodedPacket extends Omit<Decoded, "kind"> {
  /** The byte range of each field; together they cover every byte once. Computed when first read. */
  readonly fields: readonly ByteField[];
}

/**
 * All packets of a run of bytes, in order. What makes no sense, or is not whole, is the last one, of type MALFORMED.
 * @param bytes bytes or a string of hex digits: "10 0f 00 04 4d 51 54 54 …".
 * @throws LabError BAD_ARGUMENT when a string is no hex; never for what the bytes are.
 */
export function decodePackets(bytes: Uint8Array | string, options: DecodeOptions = {}): DecodedPacket[] {
  const agreement: Agreement = { protocolVersion: options.protocolVersion };
  const decoder = new PacketDecoder({
    agreement,
    direction: options.direction ?? "to-broker",
    midway: options.direction === undefined,
  });
  const decoded = decoder.push(typeof bytes === "string" ? toHexBytes(bytes) : bytes);
  return [...decoded, ...decoder.end()].map(withFields);
}

/** @internal */
export function withFields(one: Decoded): DecodedPacket {
  const { packet, bytes, length, hash, offset, protocolVersion } = one;
  let fields: ByteField[] | undefined;
  return {
    packet,
    bytes,
    length,
    ...(hash ? { hash } : {}),
    offset,
    protocolVersion,
    get fields() {
      fields ??= fieldsOf(one);
      return fields;
    },
  };
}
