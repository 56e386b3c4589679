import { LabError } from "../core/errors";
import {
  PACKET_TYPES,
  type Packet,
  type Properties,
  type ProtocolVersion,
  type UserProperty,
  type Will,
} from "./packet";
import { type Property, propertyByKey } from "./properties";

export interface EncodeOptions {
  /** Default: that of a CONNECT, else 5. */
  readonly protocolVersion?: ProtocolVersion;
  /** The lower four bits of the first byte, instead of what the packet needs. */
  readonly flags?: number;
  /** The type in the upper four bits, instead of that of `packet.type`: 0 is forbidden. */
  readonly typeNumber?: number;
  /** What the Remaining Length says, instead of how many bytes follow. */
  readonly remainingLength?: number;
}

/** The packet to write. Text may be given as bytes, to write what is no UTF-8. */
export type PacketToEncode = {
  readonly [Key in keyof Packet]: Key extends "type" ? Packet[Key] : Packet[Key] | Loose<Packet[Key]>;
};
type Loose<T> = T extends string ? string | Uint8Array : T;

/** Flags of the fixed header other than PUBLISH's (table 2-2). */
const FLAGS: Readonly<Record<string, number>> = { PUBREL: 2, SUBSCRIBE: 2, UNSUBSCRIBE: 2 };

/**
 * A packet's bytes. It is written as it is given: a QoS of 3, a Packet Identifier of 0, a topic with wildcards or no
 * topic filter at all are the caller's choice, and the options bend the fixed header.
 * @throws LabError BAD_ARGUMENT for what no bytes can say: an unknown type or property, text of more than 65,535 bytes.
 */
export function encodePacket(packet: PacketToEncode, options: EncodeOptions = {}): Uint8Array {
  const version = options.protocolVersion ?? ((packet.protocolVersion ?? 5) as ProtocolVersion);
  const kind = PACKET_TYPES.indexOf(packet.type as (typeof PACKET_TYPES)[number]);
  const write = BODIES[packet.type];
  if (kind < 1 || !write)
    throw refuse(`${String(packet.type)} is no packet type`, `one of ${PACKET_TYPES.slice(1).join(", ")}`);
  const out = new Writer();
  write(out, packet, version);
  const body = out.bytes();
  const header = new Writer();
  header.byte(((options.typeNumber ?? kind) << 4) | ((options.flags ?? flagsOf(packet)) & 15));
  header.variable(options.remainingLength ?? body.length);
  header.raw(body);
  return header.bytes();
}

function flagsOf(packet: PacketToEncode): number {
  if (packet.type !== "PUBLISH") return FLAGS[packet.type] ?? 0;
  return (packet.dup ? 8 : 0) | (((packet.qos ?? 0) & 3) << 1) | (packet.retain ? 1 : 0);
}

type Write = (out: Writer, packet: PacketToEncode, version: ProtocolVersion) => void;

const BODIES: Readonly<Record<string, Write>> = {
  CONNECT: writeConnect,
  CONNACK(out, packet, version) {
    out.byte(packet.sessionPresent ? 1 : 0);
    out.byte(packet.returnCode ?? packet.reasonCode ?? 0);
    if (version === 5 && packet.returnCode === undefined) writeProperties(out, packet.properties);
  },
  PUBLISH(out, packet, version) {
    out.string(packet.topicName ?? "");
    if (packet.qos || packet.packetIdentifier !== undefined) out.two(packet.packetIdentifier ?? 0);
    if (version === 5) writeProperties(out, packet.properties);
    out.raw(bytesOf(packet.payload ?? ""));
  },
  PUBACK: writeAck,
  PUBREC: writeAck,
  PUBREL: writeAck,
  PUBCOMP: writeAck,
  SUBSCRIBE(out, packet, version) {
    out.two(packet.packetIdentifier ?? 0);
    if (version === 5) writeProperties(out, packet.properties);
    for (const { topicFilter, qos, noLocal, retainAsPublished, retainHandling = 0 } of packet.subscriptions ?? []) {
      out.string(topicFilter);
      out.byte((qos & 3) | (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4));
    }
  },
  SUBACK: writeCodes,
  UNSUBSCRIBE(out, packet, version) {
    out.two(packet.packetIdentifier ?? 0);
    if (version === 5) writeProperties(out, packet.properties);
    for (const filter of packet.topicFilters ?? []) out.string(filter);
  },
  UNSUBACK(out, packet, version) {
    if (version === 5) writeCodes(out, packet, version);
    else out.two(packet.packetIdentifier ?? 0);
  },
  PINGREQ: () => {},
  PINGRESP: () => {},
  DISCONNECT: writeReason,
  AUTH: writeReason,
};

function writeConnect(out: Writer, packet: PacketToEncode): void {
  const version = packet.protocolVersion ?? 5;
  const { will, userName, password } = packet;
  out.string(packet.protocolName ?? (version === 3 ? "MQIsdp" : "MQTT"));
  out.byte(version | (packet.bridgeMode ? 0x80 : 0));
  const clean = packet.cleanStart ?? packet.cleanSession ?? true;
  out.byte(
    (clean ? 2 : 0) | willFlags(will) | (password === undefined ? 0 : 0x40) | (userName === undefined ? 0 : 0x80),
  );
  out.two(packet.keepAlive ?? 60);
  if (version === 5) writeProperties(out, packet.properties);
  out.string(packet.clientIdentifier ?? "");
  if (will) {
    if (version === 5) writeProperties(out, will.properties);
    out.string(will.topic);
    out.binary(bytesOf(will.payload));
  }
  if (userName !== undefined) out.string(userName);
  if (password !== undefined) out.binary(bytesOf(password));
}

const willFlags = (will: Will | undefined): number =>
  will ? 4 | (((will.qos ?? 0) & 3) << 3) | (will.retain ? 0x20 : 0) : 0;

function writeAck(out: Writer, packet: PacketToEncode, version: ProtocolVersion): void {
  out.two(packet.packetIdentifier ?? 0);
  writeReason(out, packet, version);
}

/** MQTT 5 lets a reason code of 0 without properties out. */
function writeReason(out: Writer, packet: PacketToEncode, version: ProtocolVersion): void {
  if (version < 5 || (!packet.reasonCode && !packet.properties)) return;
  out.byte(packet.reasonCode ?? 0);
  if (packet.properties || packet.type === "AUTH") writeProperties(out, packet.properties);
}

function writeCodes(out: Writer, packet: PacketToEncode, version: ProtocolVersion): void {
  out.two(packet.packetIdentifier ?? 0);
  if (version === 5) writeProperties(out, packet.properties);
  for (const code of packet.reasonCodes ?? []) out.byte(code);
}

/** In the order in which they are given. An array writes a property once for each of its values. */
function writeProperties(out: Writer, properties: Properties = {}): void {
  const inner = new Writer();
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    const property = propertyByKey.get(key);
    if (!property) throw refuse(`${key} is no property of MQTT 5`, `one of ${[...propertyByKey.keys()].join(", ")}`);
    for (const one of Array.isArray(value) ? value : [value]) {
      inner.byte(property.id);
      writeValue(inner, property, one);
    }
  }
  const bytes = inner.bytes();
  out.variable(bytes.length);
  out.raw(bytes);
}

function writeValue(out: Writer, { kind }: Property, value: unknown): void {
  if (kind === "byte" || kind === "flag") out.byte(Number(value));
  else if (kind === "two") out.two(Number(value));
  else if (kind === "four") out.four(Number(value));
  else if (kind === "variable") out.variable(Number(value));
  else if (kind === "pair") {
    out.string((value as UserProperty).name);
    out.string((value as UserProperty).value);
  } else out.binary(bytesOf(value as string | Uint8Array));
}

const utf8 = new TextEncoder();

const bytesOf = (value: string | Uint8Array): Uint8Array => (typeof value === "string" ? utf8.encode(value) : value);

const refuse = (what: string, hint: string) => new LabError("BAD_ARGUMENT", `no packet to send: ${what}`, hint);

class Writer {
  readonly #parts: Uint8Array[] = [];
  #small: number[] = [];

  byte(value: number): void {
    this.#small.push(value & 255);
  }

  two(value: number): void {
    this.#small.push((value >> 8) & 255, value & 255);
  }

  four(value: number): void {
    for (const shift of [24, 16, 8, 0]) this.#small.push((value >>> shift) & 255);
  }

  variable(value: number): void {
    if (!(value >= 0 && value <= 268_435_455)) {
      throw refuse(`${value} does not fit a variable byte integer`, "give 0 to 268,435,455");
    }
    let rest = Math.trunc(value);
    do {
      const low = rest % 128;
      rest = Math.floor(rest / 128);
      this.#small.push(rest ? low | 128 : low);
    } while (rest);
  }

  string(value: string | Uint8Array): void {
    this.binary(bytesOf(value));
  }

  binary(value: Uint8Array): void {
    if (value.length > 65_535)
      throw refuse(`text of ${value.length} bytes`, "at most 65,535 bytes fit two bytes of length");
    this.two(value.length);
    this.raw(value);
  }

  raw(value: Uint8Array): void {
    if (!value.length) return;
    this.#flush();
    this.#parts.push(value);
  }

  bytes(): Uint8Array {
    this.#flush();
    const all = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  #flush(): void {
    if (this.#small.length) this.#parts.push(Uint8Array.from(this.#small));
    this.#small = [];
  }
}
