import { visible } from "./escape";
import { type DecodedPacket, lost, type PacketRecord, toBytes, toHex, wireLength } from "./record";
import { count, graphemes } from "./text";

/** A part of a packet's label. What matters is bold; a learner's topic or payload is isolated text of unknown direction. */
export interface Part {
  readonly text: string;
  readonly strong?: boolean;
  /** Bold, and in the colour of what went wrong. */
  readonly bad?: boolean;
  /** Text from the wire. */
  readonly foreign?: boolean;
}

export interface LabelOptions {
  /** Longest topic, payload or id in characters, default 48; the rest becomes an ellipsis. */
  readonly limit?: number;
  /** Whose lane it stands in: a CONNECT of that client id need not say it again. */
  readonly lane?: string;
}

/** A packet in the field's words: PUBLISH QoS 1 DUP  boiler/3/temp  "71.5"  id 7. */
export function labelParts(record: PacketRecord, options: LabelOptions = {}): Part[] {
  const type = record.packet.type.toUpperCase();
  const write = WRITERS[type];
  const limit = options.limit ?? 48;
  const parts: Part[] = [{ text: cut(type, 16) }];
  if (write) parts.push(...write(new Reader(record, limit, options.lane)));
  else parts.push({ text: count(wireLength(record), "byte") });
  const { problem } = record.packet;
  if (typeof problem === "string" && problem) parts.push({ text: cut(problem, Math.max(limit, 24) * 2), bad: true });
  if (record.fault) parts.push({ text: faultText(record), bad: true });
  return parts;
}

export const labelText = (record: PacketRecord, options: LabelOptions = {}): string =>
  labelParts(record, options)
    .map((part) => visible(part.text))
    .join("  ");

const FAULTS = {
  dropped: "dropped by the tap",
  cut: "connection cut here",
  delayed: "delayed by the tap",
  held: "held by the tap",
  frozen: "connection frozen",
  corrupted: "corrupted by the tap",
  split: "split by the tap",
  coalesced: "in one write with others",
} as const;

/** "held by the tap for 120 ms", "corrupted by the tap: byte 7 0x41 became 0xBE". */
function faultText({ fault, at, forwardedAt, corruption }: PacketRecord): string {
  const words = (fault && FAULTS[fault]) ?? cut(asText(fault), 16);
  if (fault === "corrupted" && corruption) {
    return `${words}: byte ${cut(asText(corruption.at), 10)} ${hexCode(Number(corruption.was))} became ${hexCode(Number(corruption.is))}`;
  }
  const waits = fault === "delayed" || fault === "held" || fault === "frozen";
  return waits && typeof forwardedAt === "number" ? `${words} for ${since(forwardedAt, at).slice(1)}` : words;
}

/** Which QoS flow a packet belongs to; undefined for packets that belong to none. */
export function flow(record: PacketRecord): 0 | 1 | 2 | undefined {
  const type = record.packet.type.toLowerCase();
  if (type === "publish") return record.packet.qos === 2 ? 2 : record.packet.qos === 1 ? 1 : 0;
  if (type === "puback") return 1;
  return type === "pubrec" || type === "pubrel" || type === "pubcomp" ? 2 : undefined;
}

/** Reads a decoded packet's fields, whatever a hostile or broken peer put there. */
class Reader {
  constructor(
    readonly record: PacketRecord,
    readonly limit: number,
    readonly lane?: string,
  ) {}

  /** The first of these fields that is there, also among the MQTT 5 properties. */
  get(...names: string[]): unknown {
    const packet = this.record.packet as DecodedPacket;
    const properties = (packet.properties ?? {}) as Record<string, unknown>;
    for (const name of names) {
      const value = packet[name] ?? properties[name];
      if (value !== undefined && value !== null) return value;
    }
    return undefined;
  }

  text(...names: string[]): string | undefined {
    const value = this.get(...names);
    return value === undefined ? undefined : cut(asText(value), this.limit);
  }

  foreign(...names: string[]): Part[] {
    const text = this.text(...names);
    return text === undefined ? [] : [{ text, foreign: true }];
  }

  id(): Part[] {
    const id = this.get("packetIdentifier");
    return typeof id === "number" ? [{ text: `id ${id}` }] : [];
  }

  flag(name: string, word: string): Part[] {
    return this.get(name) === true ? [{ text: word, strong: true }] : [];
  }

  /** 0x00 is worth a word only where a learner looks for it; from 0x80 on it is a failure, and bold. */
  reason(always = false): Part[] {
    const code = this.get("reasonCode", "returnCode");
    if (typeof code !== "number" || (code === 0 && !always)) return [];
    const name = cut(this.record.reason ?? (code === 0 ? "success" : ""), this.limit);
    const bad = this.get("returnCode") !== undefined ? code > 0 : code >= 0x80;
    return [{ text: `${hexCode(code)}${name ? ` ${name}` : ""}`, bad }];
  }
}

type Writer = (read: Reader) => Part[];

const WRITERS: Record<string, Writer> = {
  CONNECT: (read) => [
    {
      text:
        VERSIONS[Number(read.get("protocolVersion"))] ??
        `protocol level ${cut(asText(read.get("protocolVersion")), 8)}`,
    },
    ...(read.lane && read.get("clientIdentifier") === read.lane
      ? []
      : named(read, "client id", "clientIdentifier", "(empty: the broker assigns one)")),
    ...(read.get("cleanStart", "cleanSession") === false
      ? [{ text: "resume session", strong: true }]
      : [{ text: read.get("protocolVersion") === 5 ? "clean start" : "clean session" }]),
    ...said(read, "keep alive", "keepAlive"),
    ...named(read, "user", "userName"),
    ...(read.get("will") ? [{ text: "will", strong: true }] : []),
    ...read.flag("bridgeMode", "bridge"),
  ],
  CONNACK: (read) => [
    ...read.reason(true),
    ...read.flag("sessionPresent", "session present"),
    ...named(read, "assigned id", "assignedClientIdentifier"),
  ],
  PUBLISH: (read) => [
    { text: `QoS ${cut(asText(read.get("qos") ?? 0), 8)}` },
    ...read.flag("dup", "DUP"),
    ...read.flag("retain", "RETAIN"),
    ...topic(read),
    { text: payload(read.record, read.limit), foreign: true },
    ...read.id(),
  ],
  PUBACK: (read) => [...read.id(), ...read.reason()],
  PUBREC: (read) => [...read.id(), ...read.reason()],
  PUBREL: (read) => [...read.id(), ...read.reason()],
  PUBCOMP: (read) => [...read.id(), ...read.reason()],
  SUBSCRIBE: (read) => [...read.id(), ...list(read, "subscriptions", subscription)],
  SUBACK: (read) => [...read.id(), ...granted(read)],
  UNSUBSCRIBE: (read) => [
    ...read.id(),
    ...list(read, "topicFilters", (one) => [{ text: cut(asText(one), read.limit), foreign: true }]),
  ],
  UNSUBACK: (read) => [...read.id(), ...granted(read)],
  MALFORMED: (read) => read.foreign("claims").map((part) => ({ ...part, text: `claims to be ${part.text}` })),
  PINGREQ: () => [],
  PINGRESP: () => [],
  DISCONNECT: (read) => read.reason(),
  AUTH: (read) => [...read.reason(true), ...read.foreign("authenticationMethod")],
};

const VERSIONS: Record<number, string> = { 3: "MQTT 3.1", 4: "MQTT 3.1.1", 5: "MQTT 5" };

function named(read: Reader, word: string, name: string, empty?: string): Part[] {
  const value = read.text(name);
  if (value === undefined) return [];
  return [{ text: `${word} ${value || empty || '""'}`, foreign: value !== "" }];
}

function said(read: Reader, word: string, ...names: string[]): Part[] {
  const value = read.get(...names);
  return typeof value === "number" ? [{ text: `${word} ${value} s` }] : [];
}

function topic(read: Reader): Part[] {
  const name = read.text("topicName") ?? "";
  const alias = read.get("topicAlias");
  const shown = name ? [{ text: name, foreign: true }] : [{ text: "(empty topic)" }];
  return typeof alias === "number" ? [...shown, { text: `alias ${alias}` }] : shown;
}

function list(read: Reader, name: string, write: (one: unknown, read: Reader) => Part[]): Part[] {
  const all = read.get(name);
  if (!Array.isArray(all)) return [];
  const shown = all.slice(0, 4).flatMap((one) => write(one, read));
  return all.length > 4 ? [...shown, { text: `and ${all.length - 4} more` }] : shown;
}

function subscription(one: unknown, read: Reader): Part[] {
  const of = (one ?? {}) as Record<string, unknown>;
  const flags = [
    of.noLocal === true ? "no local" : "",
    of.retainAsPublished === true ? "retain as published" : "",
    Number(of.retainHandling ?? 0) ? `retain handling ${cut(asText(of.retainHandling), 8)}` : "",
  ].filter(Boolean);
  return [
    { text: cut(asText(of.topicFilter ?? one), read.limit), foreign: true },
    { text: [`QoS ${cut(asText(of.qos ?? 0), 8)}`, ...flags].join(", ") },
  ];
}

function granted(read: Reader): Part[] {
  const codes = read.get("reasonCodes");
  if (!Array.isArray(codes)) return read.reason();
  const ack = read.record.packet.type.toUpperCase() === "SUBACK";
  return codes.slice(0, 8).map((code) => {
    const n = Number(code);
    if (n >= 0x80) return { text: `${hexCode(n)} ${cut(read.record.reason ?? "refused", read.limit)}`, bad: true };
    return { text: !Number.isInteger(n) ? cut(asText(code), read.limit) : ack ? `granted QoS ${n}` : hexCode(n) };
  });
}

/** The payload in quotes when it is readable text, else its first bytes and its length. */
export function payload(record: PacketRecord, limit: number): string {
  const raw = record.packet.payload;
  const text = typeof raw === "string" ? raw : decode(raw);
  if (text !== undefined) return text === "" ? "(empty payload)" : `"${cut(text, limit)}"`;
  const bytes = bytesOf(raw);
  const claimed = record.packet.payloadLength ?? (raw as { length?: number } | undefined)?.length;
  const all = typeof claimed === "number" ? claimed : bytes.length;
  if (!all) return "(empty payload)";
  const shown = Math.max(4, Math.min(8, Math.floor(limit / 3)));
  const hex = toHex(bytes.subarray(0, shown)).replace(/..(?=.)/g, "$& ");
  return `bytes ${hex}${all > shown ? ` … (${all} bytes)` : ""}`;
}

function bytesOf(raw: unknown): Uint8Array {
  if (raw instanceof Uint8Array) return raw;
  const hex = (raw as { hex?: unknown } | undefined)?.hex;
  return typeof hex === "string" ? toBytes(hex) : new Uint8Array();
}

/** Text when the bytes are UTF-8 without control characters other than line breaks and tabs. */
function decode(raw: unknown): string | undefined {
  const bytes = bytesOf(raw);
  // The start is enough for a label; a cut may split a character, so the last few bytes are not judged.
  const start = bytes.length > 512 ? bytes.subarray(0, 512) : bytes;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(start, { stream: bytes.length > 512 });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what marks binary data
    return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? undefined : text;
  } catch {
    return undefined; // not UTF-8: shown as bytes
  }
}

function asText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return decode(value) ?? `0x${toHex(value.subarray(0, 16))}`;
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value);
  return value === undefined || value === null ? "?" : (JSON.stringify(value) ?? "?");
}

function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  // A grapheme may be long (an emoji family), so look at a little more than is kept.
  const kept = graphemes(text.slice(0, limit * 4));
  return kept.length <= limit ? text.slice(0, limit * 4) : `${kept.slice(0, limit - 1).join("")}…`;
}

const hexCode = (code: number): string => `0x${code.toString(16).toUpperCase().padStart(2, "0")}`;

/** "+12.4 ms", "+3.214 s": the time since the first packet. */
export function since(at: number, first: number): string {
  const ms = Math.max(0, at - first);
  if (!Number.isFinite(ms)) return "";
  return ms < 1000 ? `+${ms.toFixed(1)} ms` : `+${(ms / 1000).toFixed(3)} s`;
}

/** One sentence for screen readers and terminals: "3. sensor to broker: PUBLISH …". */
export function sentence(record: PacketRecord, client: string, options: LabelOptions = {}): string {
  const [from, to] = record.direction === "to-broker" ? [client, "broker"] : ["broker", client];
  return `${record.number}. ${visible(from)} to ${visible(to)}${lost(record) ? " (never arrived)" : ""}: ${labelText(record, options)}`;
}
