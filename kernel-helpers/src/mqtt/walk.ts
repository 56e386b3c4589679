import { bytesText, CLOSE, Cursor, CutShort, Malformed, preview } from "./cursor";
import {
  type ByteField,
  PACKET_TYPES,
  type Packet,
  type PacketType,
  type ProtocolVersion,
  VERSION_NAMES,
} from "./packet";
import { readBody } from "./walk-body";

/** A packet's fields while it is being read. */
export type Draft = { -readonly [Key in keyof Packet]: Packet[Key] };

export interface Walk {
  readonly packet: Packet;
  readonly fields: readonly ByteField[];
  /** The bytes could not be read to their end. */
  readonly malformed: boolean;
}

export interface WalkOptions {
  readonly protocolVersion: ProtocolVersion;
  /** Bytes on the wire, when `bytes` holds only the first of them. */
  readonly length?: number;
  /** Whether to name the fields' ranges, which costs time. */
  readonly fields: boolean;
}

/** What the lower four bits of the first byte have to be; PUBLISH has flags of its own there. */
const FLAGS: readonly number[] = [0, 0, 0, -1, 0, 0, 2, 0, 2, 0, 2, 0, 0, 0, 0, 0];

/**
 * Reads one whole packet. Never throws for what the bytes are: what makes no sense ends the walk, and packet and
 * fields say from where on and why.
 */
export function walk(bytes: Uint8Array, options: WalkOptions): Walk {
  const length = options.length ?? bytes.length;
  const fields: ByteField[] | undefined = options.fields ? [] : undefined;
  const cursor = new Cursor(bytes, length, fields);
  cursor.version = options.protocolVersion;
  const draft: Draft = { type: "MALFORMED" };
  let malformed = false;
  try {
    readHeader(cursor, draft, options.protocolVersion);
    readBody(cursor, draft, options.protocolVersion);
    trailing(cursor, draft);
  } catch (error) {
    if (error instanceof Malformed) {
      malformed = true;
      spoil(draft, error);
    } else if (!(error instanceof CutShort)) throw error;
  }
  const from = cursor.marked;
  cursor.position = bytes.length;
  cursor.mark(malformed ? "makes no sense from here" : "not kept", () => (malformed ? (draft.problem ?? "") : ""));
  if (draft.type === "PUBLISH" && draft.payload === undefined && !malformed) partPayload(draft, bytes, from, length);
  return { packet: draft, fields: fields ?? [], malformed };
}

function readHeader(cursor: Cursor, draft: Draft, version: ProtocolVersion): void {
  const first = cursor.byte("the packet's first byte");
  const kind = first >> 4;
  const type = PACKET_TYPES[kind]!;
  if (type === "RESERVED" || (type === "AUTH" && version < 5)) {
    const why = type === "AUTH" ? `AUTH exists since MQTT 5.0, this is ${VERSION_NAMES[version]}` : "";
    draft.claims = type;
    throw new Malformed(why || "packet type 0 is forbidden", CLOSE);
  }
  draft.type = type;
  if (type === "PUBLISH") readFlags(draft, first);
  else checkFlags(draft, kind, first & 15, version);
  cursor.mark("Packet type and flags", () => headerText(draft, first));
  const length = cursor.variable("the Remaining Length");
  cursor.mark("Remaining Length", () => `${bytesText(length)} follow`);
  if (cursor.position + length !== cursor.end) {
    throw new Malformed(`the Remaining Length says ${length}, and ${cursor.left} bytes follow`, CLOSE);
  }
}

function readFlags(draft: Draft, first: number): void {
  draft.dup = (first & 8) !== 0;
  draft.qos = (first >> 1) & 3;
  draft.retain = (first & 1) !== 0;
  if (draft.qos === 3) throw new Malformed("both QoS bits are set", "[MQTT-3.3.1-4]");
  if (draft.dup && draft.qos === 0) note(draft, "DUP is set at QoS 0", "[MQTT-3.3.1-2]");
}

function checkFlags(draft: Draft, kind: number, flags: number, version: ProtocolVersion): void {
  const wanted = FLAGS[kind]!;
  // MQTT 3.1 sends PUBREL, SUBSCRIBE and UNSUBSCRIBE again with DUP, and leaves the other bits open.
  if (flags === wanted || (version === 3 && wanted === 2 && (flags & 7) === 2)) return;
  const bits = (value: number) => value.toString(2).padStart(4, "0");
  const clause = { SUBSCRIBE: "[MQTT-3.8.1-1]", UNSUBSCRIBE: "[MQTT-3.10.1-1]", PUBREL: "[MQTT-3.6.1-1]" }[
    draft.type as string
  ];
  const text = `the flags of ${draft.type} are ${bits(flags)} and must be ${bits(wanted)}`;
  note(draft, text, clause ?? (version === 5 ? "[MQTT-2.1.3-1]" : "[MQTT-2.2.2-1]"));
}

function headerText(draft: Draft, first: number): string {
  if (draft.type !== "PUBLISH") return draft.problem ? `${draft.type}, flags ${first & 15}` : draft.type;
  const flags = [draft.dup ? "DUP" : "", `QoS ${draft.qos}`, draft.retain ? "RETAIN" : ""].filter(Boolean);
  return `PUBLISH, ${flags.join(", ")}`;
}

function trailing(cursor: Cursor, draft: Draft): void {
  if (cursor.left > 0) {
    throw new Malformed(`${draft.type} is complete, but ${bytesText(cursor.left)} more belong to it`, CLOSE);
  }
}

/** The first problem stays: what comes later is often its consequence. */
export function note(draft: Draft, problem: string, clause: string): void {
  draft.problem ??= problem;
  draft.clause ??= clause;
}

function spoil(draft: Draft, error: Malformed): void {
  draft.claims ??= draft.type;
  draft.type = "MALFORMED" satisfies PacketType;
  draft.problem = error.message;
  draft.clause = error.clause;
}

/** A message of which only the beginning was kept still shows its payload's beginning. */
function partPayload(draft: Draft, bytes: Uint8Array, from: number, length: number): void {
  const payload = bytes.subarray(from);
  draft.payload = payload;
  const text = preview(payload);
  if (text !== undefined) draft.payloadText = text;
  draft.payloadLength = length - from;
}
