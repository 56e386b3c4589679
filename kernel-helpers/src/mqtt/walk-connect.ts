import { bytesText, CLOSE, type Cursor, hexCode, Malformed, preview } from "./cursor";
import { VERSION_NAMES, type Will } from "./packet";
import { type Draft, note } from "./walk";
import { readProperties, readPropertiesOf } from "./walk-properties";

/** Reads CONNECT, which says itself which version it is. */
export function readConnect(cursor: Cursor, draft: Draft): void {
  const version = readVersion(cursor, draft);
  cursor.version = version;
  const flags = cursor.byte("the Connect Flags");
  draft[version === 5 ? "cleanStart" : "cleanSession"] = (flags & 2) !== 0;
  checkFlags(draft, flags, version);
  cursor.mark("Connect Flags", () => flagsText(flags, version));
  const keepAlive = cursor.two("the Keep Alive");
  draft.keepAlive = keepAlive;
  cursor.mark("Keep Alive", () => (keepAlive ? `${keepAlive} s` : "0: switched off"));
  if (version === 5) readProperties(cursor, draft, "CONNECT");
  const id = cursor.string("the Client Identifier");
  draft.clientIdentifier = id;
  cursor.mark("Client Identifier", () => JSON.stringify(id));
  if (flags & 4) draft.will = readWill(cursor, draft, flags, version);
  // MQTT 3.1 tolerates a flag without its field: the Remaining Length decides.
  const there = () => version > 3 || cursor.left > 0;
  if (flags & 0x80 && there()) {
    const name = cursor.string("the User Name");
    draft.userName = name;
    cursor.mark("User Name", () => JSON.stringify(name));
  }
  if (flags & 0x40 && there()) {
    const password = cursor.binary("the Password");
    draft.password = password;
    cursor.mark("Password", () => bytesText(password.length));
  }
}

function readVersion(cursor: Cursor, draft: Draft): number {
  const name = cursor.string("the Protocol Name");
  draft.protocolName = name;
  cursor.mark("Protocol Name", () => JSON.stringify(name));
  const level = cursor.byte("the Protocol Version");
  const version = level & 0x7f;
  draft.protocolVersion = version;
  // The bit belongs to Mosquitto's bridges of versions 3.1 and 3.1.1 only.
  if (level & 0x80) draft.bridgeMode = true;
  cursor.mark(
    "Protocol Version",
    () => `${level}: ${VERSION_NAMES[version] ?? "no version of MQTT"}${level & 0x80 ? ", a bridge" : ""}`,
  );
  if (name !== (version === 3 ? "MQIsdp" : "MQTT")) {
    note(draft, `the Protocol Name is ${JSON.stringify(name.slice(0, 40))}`, "[MQTT-3.1.2-1]");
    if (name !== "MQTT" && name !== "MQIsdp") throw new Malformed(draft.problem!, "[MQTT-3.1.2-1]");
  }
  if (!VERSION_NAMES[version]) {
    throw new Malformed(`protocol version ${level} is none of 3, 4 and 5: the rest cannot be read`, "[MQTT-3.1.2-2]");
  }
  return version;
}

function checkFlags(draft: Draft, flags: number, version: number): void {
  const five = version === 5;
  if (flags & 1 && version > 3) note(draft, "the reserved bit of the Connect Flags is set", "[MQTT-3.1.2-3]");
  if ((flags & 0x18) === 0x18) throw new Malformed("the Will QoS is 3", five ? "[MQTT-3.1.2-12]" : "[MQTT-3.1.2-14]");
  if (!(flags & 4) && flags & 0x38) {
    const qos = (flags & 0x18) !== 0;
    const clause = five ? (qos ? "[MQTT-3.1.2-11]" : "[MQTT-3.1.2-13]") : qos ? "[MQTT-3.1.2-13]" : "[MQTT-3.1.2-15]";
    note(draft, `Will ${qos ? "QoS" : "Retain"} is set without a will`, clause);
  }
  if (version === 4 && (flags & 0xc0) === 0x40) note(draft, "a password without a user name", "[MQTT-3.1.2-22]");
}

function flagsText(flags: number, version: number): string {
  const words = [
    flags & 2
      ? version === 5
        ? "Clean Start"
        : "Clean Session"
      : version === 5
        ? "no Clean Start"
        : "no Clean Session",
    flags & 4 ? `Will QoS ${(flags >> 3) & 3}${flags & 0x20 ? " retained" : ""}` : "no Will",
    flags & 0x80 ? "User Name" : "",
    flags & 0x40 ? "Password" : "",
  ];
  return `${hexCode(flags)}: ${words.filter(Boolean).join(", ")}`;
}

function readWill(cursor: Cursor, draft: Draft, flags: number, version: number): Will {
  const properties = version === 5 ? readPropertiesOf(cursor, draft, "WILL") : undefined;
  const topic = cursor.string("the Will Topic");
  cursor.mark("Will Topic", () => JSON.stringify(topic));
  if (!topic || /[+#]/.test(topic)) note(draft, "the Will Topic is no topic name", topic ? "[MQTT-3.3.2-2]" : CLOSE);
  const payload = cursor.binary("the Will Payload");
  cursor.mark("Will Payload", () => {
    const text = preview(payload);
    return text === undefined ? bytesText(payload.length) : JSON.stringify(text);
  });
  const will = { topic, payload, qos: (flags >> 3) & 3, retain: (flags & 0x20) !== 0 };
  return properties ? { ...will, properties } : will;
}
