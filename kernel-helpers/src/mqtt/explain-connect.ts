import { type Packet, type ProtocolVersion, VERSION_NAMES } from "./packet";

/** Sentences for CONNECT. */
export function explainConnect(packet: Packet): (string | false)[] {
  const version = packet.protocolVersion as ProtocolVersion;
  return [
    `The first packet of every connection [MQTT-3.1.0-1]: the client speaks ${VERSION_NAMES[version] ?? `level ${version}`}${packet.bridgeMode ? ", and is another broker's bridge" : ""}.`,
    session(packet, version),
    version === 5 && expiry(packet),
    keepAlive(packet, version),
    packet.clientIdentifier === "" && emptyId(packet, version),
    !!packet.will && will(packet, version),
    packet.userName !== undefined &&
      "User name and password are readable by whoever sees these bytes, unless TLS is around them.",
    version === 5 &&
      packet.properties?.receiveMaximum !== undefined &&
      `The broker may have at most ${packet.properties.receiveMaximum} unacknowledged QoS 1 and 2 messages on their way to this client [MQTT-3.3.4-9].`,
    version === 5 &&
      packet.properties?.maximumPacketSize !== undefined &&
      `The broker must not send it packets of more than ${packet.properties.maximumPacketSize} bytes [MQTT-3.1.2-24].`,
    version === 5 &&
      !!packet.properties?.topicAliasMaximum &&
      `The broker may use topic aliases from 1 to ${packet.properties.topicAliasMaximum} towards this client [MQTT-3.1.2-26].`,
  ];
}

function session(packet: Packet, version: ProtocolVersion): string {
  if (version === 5) {
    return packet.cleanStart
      ? "Clean Start: the broker forgets any session that it kept for this client id [MQTT-3.1.2-4]."
      : "No Clean Start: the broker goes on with the session that it kept for this client id, if there is one [MQTT-3.1.2-5].";
  }
  return packet.cleanSession
    ? "Clean Session: the session begins empty and ends with this connection [MQTT-3.1.2-6]."
    : "No Clean Session: the broker goes on with an earlier session, and keeps this one when the connection ends [MQTT-3.1.2-4].";
}

function expiry(packet: Packet): string {
  const seconds = packet.properties?.sessionExpiryInterval ?? 0;
  if (seconds === 0xffffffff) return "The session is kept for ever after the connection ends [MQTT-3.1.2-23].";
  if (seconds > 0) return `The session is kept for ${seconds} s after the connection ends [MQTT-3.1.2-23].`;
  return packet.cleanStart
    ? "Without a Session Expiry Interval the session ends with the connection."
    : "Without a Session Expiry Interval the session ends with this connection, so a later No Clean Start finds none.";
}

function keepAlive(packet: Packet, version: ProtocolVersion): string {
  const seconds = packet.keepAlive ?? 0;
  if (!seconds) return "Keep alive 0: the broker never asks itself whether the client is still there.";
  const clause = version === 5 ? "[MQTT-3.1.2-22]" : "[MQTT-3.1.2-24]";
  return `Keep alive: after ${seconds * 1.5} s without a packet the broker closes the connection ${clause}.`;
}

function emptyId(packet: Packet, version: ProtocolVersion): string {
  if (version === 5) return "The client id is empty: the broker makes one up and says it in CONNACK [MQTT-3.1.3-7].";
  const refused = packet.cleanSession ? "" : ", and refuses it here, where the session is to be kept [MQTT-3.1.3-8]";
  return `The client id is empty: the broker takes that with a clean session only${refused} [MQTT-3.1.3-7].`;
}

function will(packet: Packet, version: ProtocolVersion): string {
  const { topic, qos = 0, retain, properties } = packet.will!;
  const delay = properties?.willDelayInterval ? `, ${properties.willDelayInterval} s later` : "";
  const kept = retain ? " and keeps it as the last value" : "";
  const clause = version === 5 ? "[MQTT-3.1.2-8]" : "[MQTT-3.1.2-8]";
  return `A will: when the connection ends without DISCONNECT, the broker publishes it to ${JSON.stringify(topic)} at QoS ${qos}${kept}${delay} ${clause}.`;
}
