import { bytesText, CLOSE, type Cursor, CutShort, hexCode, Malformed, preview } from "./cursor";
import { type ProtocolVersion, type Subscription, VERSION_NAMES } from "./packet";
import { explainReasonCode, reasonText } from "./reason-codes";
import { type Draft, note } from "./walk";
import { readConnect } from "./walk-connect";
import { readProperties } from "./walk-properties";

type Reader = (cursor: Cursor, draft: Draft, version: ProtocolVersion) => void;

/** Reads what follows the Remaining Length. */
export function readBody(cursor: Cursor, draft: Draft, version: ProtocolVersion): void {
  READERS[draft.type]?.(cursor, draft, version);
}

const READERS: Readonly<Record<string, Reader>> = {
  CONNECT: (cursor, draft) => readConnect(cursor, draft),
  CONNACK: readConnack,
  PUBLISH: readPublish,
  PUBACK: readAck,
  PUBREC: readAck,
  PUBREL: readAck,
  PUBCOMP: readAck,
  SUBSCRIBE: readSubscribe,
  SUBACK: readSuback,
  UNSUBSCRIBE: readUnsubscribe,
  UNSUBACK: readUnsuback,
  DISCONNECT: (cursor, draft, version) => readReason(cursor, draft, version),
  AUTH: (cursor, draft, version) => readReason(cursor, draft, version),
};

function readConnack(cursor: Cursor, draft: Draft, version: ProtocolVersion): void {
  const flags = cursor.byte("the acknowledge flags");
  draft.sessionPresent = version > 3 && (flags & 1) === 1;
  if (version > 3 && flags > 1) {
    note(draft, `reserved acknowledge flags are set (${hexCode(flags)})`, version === 5 ? "[MQTT-3.2.2-1]" : "3.2.2.1");
  }
  cursor.mark("Connect Acknowledge Flags", () => (flags & 1 && version > 3 ? "session present" : "no session present"));
  const code = cursor.byte("the reason code");
  // A broker that doesn't speak the client's version answers in the shape of version 3.
  const old = version < 5 || cursor.left === 0;
  if (old) draft.returnCode = code;
  else draft.reasonCode = code;
  cursor.mark(old ? "Return Code" : "Reason Code", () => reasonText(code, "CONNACK", old && code < 0x80 ? 4 : 5));
  if (!old) readProperties(cursor, draft, "CONNACK");
}

function readPublish(cursor: Cursor, draft: Draft, version: ProtocolVersion): void {
  const topic = cursor.string("the Topic Name");
  draft.topicName = topic;
  if (/[+#]/.test(topic)) note(draft, "a Topic Name must not contain + or #", "[MQTT-3.3.2-2]");
  cursor.mark("Topic Name", () => quoted(topic));
  if (draft.qos) readIdentifier(cursor, draft, version);
  if (version === 5) readProperties(cursor, draft, "PUBLISH");
  if (!topic && draft.properties?.topicAlias === undefined) {
    note(draft, "the Topic Name is empty and no Topic Alias stands for it", version === 5 ? CLOSE : "[MQTT-4.7.3-1]");
  }
  const length = cursor.left;
  if (cursor.position + length > cursor.bytes.length) throw new CutShort();
  const payload = cursor.rest();
  draft.payload = payload;
  const text = preview(payload);
  if (text !== undefined) draft.payloadText = text;
  draft.payloadLength = length;
  cursor.mark("Payload", () => (text === undefined ? bytesText(length) : JSON.stringify(text)));
}

function readIdentifier(cursor: Cursor, draft: Draft, version: ProtocolVersion): void {
  const identifier = cursor.two("the Packet Identifier");
  draft.packetIdentifier = identifier;
  if (identifier === 0) {
    note(draft, "a Packet Identifier of 0 is not allowed", version === 5 ? "[MQTT-2.2.1-3]" : "[MQTT-2.3.1-1]");
  }
  cursor.mark("Packet Identifier", () => String(identifier));
}

function readAck(cursor: Cursor, draft: Draft, version: ProtocolVersion): void {
  readIdentifier(cursor, draft, version);
  readReason(cursor, draft, version);
}

/** Reason code and properties, each of which MQTT 5 allows to be left out at the end. */
function readReason(cursor: Cursor, draft: Draft, version: ProtocolVersion): void {
  if (version < 5) return;
  const type = draft.type;
  draft.reasonCode = cursor.left ? cursor.byte("the Reason Code") : 0;
  const code = draft.reasonCode;
  cursor.mark("Reason Code", () => reasonText(code, type));
  if (code !== 0 && /not allow this code|defines no such/.test(explainReasonCode(code, type).meaning)) {
    note(draft, `${hexCode(code)} is no reason code of ${type}`, CLOSE);
  }
  if (cursor.left) readProperties(cursor, draft, type);
}

function readSubscribe(cursor: Cursor, draft: Draft, version: ProtocolVersion): void {
  readIdentifier(cursor, draft, version);
  if (version === 5) readProperties(cursor, draft, "SUBSCRIBE");
  const all: Subscription[] = [];
  draft.subscriptions = all;
  if (!cursor.left)
    throw new Malformed("SUBSCRIBE names no topic filter", version === 5 ? "[MQTT-3.8.3-2]" : "[MQTT-3.8.3-3]");
  while (cursor.left) {
    const topicFilter = readFilter(cursor, draft);
    all.push(readSubscriptionOptions(cursor, draft, version, topicFilter));
  }
}

function readFilter(cursor: Cursor, draft: Draft): string {
  const filter = cursor.string("a Topic Filter");
  const wrong = filterProblem(filter);
  if (wrong) note(draft, wrong[0], wrong[1]);
  cursor.mark("Topic Filter", () => quoted(filter));
  return filter;
}

/** What is wrong with a topic filter, and the statement that says so (4.7). */
export function filterProblem(filter: string): readonly [problem: string, clause: string] | undefined {
  if (!filter) return ["a Topic Filter must have at least one character", "[MQTT-4.7.3-1]"];
  const levels = filter.split("/");
  if (levels.some((level) => level.includes("+") && level !== "+")) {
    return [`+ has to fill a whole level: ${quoted(filter)}`, "[MQTT-4.7.1-2]"];
  }
  const hash = levels.findIndex((level) => level.includes("#"));
  if (hash >= 0 && (levels[hash] !== "#" || hash < levels.length - 1)) {
    return [`# has to be the last level, alone: ${quoted(filter)}`, "[MQTT-4.7.1-1]"];
  }
  return undefined;
}

function readSubscriptionOptions(
  cursor: Cursor,
  draft: Draft,
  version: ProtocolVersion,
  topicFilter: string,
): Subscription {
  const options = cursor.byte("the Subscription Options");
  const qos = options & 3;
  const reserved = options & (version === 5 ? 0xc0 : 0xfc);
  if (qos === 3) note(draft, "QoS 3 does not exist", version === 5 ? CLOSE : "[MQTT-3.8.3-4]");
  else if (reserved)
    note(draft, "reserved bits are set in the options", version === 5 ? "[MQTT-3.8.3-5]" : "[MQTT-3.8.3-4]");
  const bits = {
    noLocal: (options & 4) !== 0,
    retainAsPublished: (options & 8) !== 0,
    retainHandling: (options >> 4) & 3,
  };
  if (version < 5) {
    cursor.mark("Requested QoS", () => String(qos));
    return { topicFilter, qos };
  }
  if (bits.retainHandling === 3) note(draft, "Retain Handling 3 does not exist", CLOSE);
  if (bits.noLocal && topicFilter.startsWith("$share/")) {
    note(draft, "No Local is set on a shared subscription", "[MQTT-3.8.3-4]");
  }
  cursor.mark("Subscription Options", () => optionsText(qos, bits));
  return { topicFilter, qos, ...bits };
}

function optionsText(
  qos: number,
  bits: { noLocal: boolean; retainAsPublished: boolean; retainHandling: number },
): string {
  const words = [`QoS ${qos}`, bits.noLocal ? "No Local" : "", bits.retainAsPublished ? "Retain As Published" : ""];
  return [...words, `Retain Handling ${bits.retainHandling}`].filter(Boolean).join(", ");
}

function readSuback(cursor: Cursor, draft: Draft, version: ProtocolVersion): void {
  readIdentifier(cursor, draft, version);
  if (version === 5) readProperties(cursor, draft, "SUBACK");
  readCodes(cursor, draft, version, "SUBACK");
}

function readUnsubscribe(cursor: Cursor, draft: Draft, version: ProtocolVersion): void {
  readIdentifier(cursor, draft, version);
  if (version === 5) readProperties(cursor, draft, "UNSUBSCRIBE");
  const all: string[] = [];
  draft.topicFilters = all;
  if (!cursor.left) throw new Malformed("UNSUBSCRIBE names no topic filter", "[MQTT-3.10.3-2]");
  while (cursor.left) all.push(readFilter(cursor, draft));
}

function readUnsuback(cursor: Cursor, draft: Draft, version: ProtocolVersion): void {
  readIdentifier(cursor, draft, version);
  if (version < 5) return;
  readProperties(cursor, draft, "UNSUBACK");
  readCodes(cursor, draft, version, "UNSUBACK");
}

function readCodes(cursor: Cursor, draft: Draft, version: ProtocolVersion, type: "SUBACK" | "UNSUBACK"): void {
  const codes: number[] = [];
  draft.reasonCodes = codes;
  if (!cursor.left) throw new Malformed(`${type} of ${VERSION_NAMES[version]} names no reason code`, CLOSE);
  while (cursor.left) {
    const code = cursor.byte("a Reason Code");
    codes.push(code);
    cursor.mark(version === 5 ? "Reason Code" : "Return Code", () => reasonText(code, type, version));
  }
}

const quoted = (text: string): string => JSON.stringify(text);
