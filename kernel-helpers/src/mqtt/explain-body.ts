import { bytesText } from "./cursor";
import { explainConnect } from "./explain-connect";
import type { Direction, Packet, ProtocolVersion, Subscription } from "./packet";
import { explainReasonCode, type ReasonCode } from "./reason-codes";

type Explainer = (packet: Packet, version: ProtocolVersion, direction: Direction | undefined) => (string | false)[];

/** Sentences for a packet that could be read. */
export function explainBody(packet: Packet, version: ProtocolVersion, direction: Direction | undefined): string[] {
  const said = EXPLAINERS[packet.type]?.(packet, version, direction) ?? [];
  return [...said.filter((one): one is string => one !== false), ...common(packet)];
}

const EXPLAINERS: Readonly<Partial<Record<Packet["type"], Explainer>>> = {
  CONNECT: explainConnect,
  CONNACK: explainConnack,
  PUBLISH: explainPublish,
  PUBACK: (packet) => [`It ends the QoS 1 exchange of packet ${id(packet)} [MQTT-4.3.2-4].`, reason(packet)],
  PUBREC: (packet, version) => [
    (packet.reasonCode ?? 0) < 0x80 &&
      `The receiver has message ${id(packet)}, and answers PUBREL next, not the message again ${five(version, "[MQTT-4.3.3-4]", "[MQTT-4.3.3-1]")}.`,
    reason(packet),
  ],
  PUBREL: (packet, version) => [
    `The sender lets go of message ${id(packet)}: from here on the receiver may forget its identifier ${five(version, "[MQTT-4.3.3-11]", "[MQTT-4.3.3-2]")}.`,
    reason(packet),
  ],
  PUBCOMP: (packet, version) => [
    `It ends the QoS 2 exchange of packet ${id(packet)}: delivered once ${five(version, "[MQTT-4.3.3-11]", "[MQTT-4.3.3-2]")}.`,
    reason(packet),
  ],
  SUBSCRIBE: (packet, version) => [
    ...(packet.subscriptions ?? []).map((one) => subscription(one, version)),
    `The broker answers SUBACK ${id(packet)} with a code for each filter ${five(version, "[MQTT-3.8.4-6]", "[MQTT-3.8.4-5]")}.`,
  ],
  SUBACK: (packet, version) => [
    `The answer to SUBSCRIBE ${id(packet)}, one code for each filter in its order ${five(version, "[MQTT-3.9.3-1]", "[MQTT-3.8.4-5]")}.`,
    ...codes(packet, "SUBACK", version),
  ],
  UNSUBSCRIBE: (packet) => [
    ...(packet.topicFilters ?? []).map(
      (filter) => `Ends the subscription to ${quoted(filter)}; the filter has to be the same character by character.`,
    ),
  ],
  UNSUBACK: (packet, version) => [
    `The answer to UNSUBSCRIBE ${id(packet)}.`,
    version < 5 && "MQTT 3.1.1 says nothing of whether there was such a subscription [MQTT-3.10.4-5].",
    ...codes(packet, "UNSUBACK", version),
  ],
  PINGREQ: () => ["The client is alive, and asks whether the broker is [MQTT-3.1.2-20]."],
  PINGRESP: () => ["The broker is alive [MQTT-3.12.4-1]."],
  DISCONNECT: explainDisconnect,
  AUTH: (packet) => [
    `A step of the authentication ${quoted(packet.properties?.authenticationMethod ?? "")}.`,
    reason(packet, true),
  ],
};

function explainConnack(packet: Packet, version: ProtocolVersion): (string | false)[] {
  const old = packet.returnCode !== undefined;
  const code = packet.returnCode ?? packet.reasonCode ?? 0;
  const read = explainReasonCode(code, "CONNACK", old && code < 0x80 ? 4 : 5);
  const properties = packet.properties ?? {};
  const given = properties.assignedClientIdentifier;
  if (code)
    return [
      sentence(read),
      `After this the broker closes the connection ${old ? "[MQTT-3.2.2-5]" : "[MQTT-3.2.2-7]"}.`,
    ];
  return [
    "The broker took the connection. Before this packet an open port proves nothing.",
    packet.sessionPresent
      ? `Session present: it still had this client's session, with its subscriptions and what waited in them ${five(version, "[MQTT-3.2.2-3]", "[MQTT-3.2.2-2]")}.`
      : `No session was there, so the client has to subscribe ${five(version, "[MQTT-3.2.2-3]", "[MQTT-3.2.2-3]")}.`,
    given !== undefined && `The client gave no id; the broker made up ${quoted(given)} [MQTT-3.1.3-7].`,
    properties.serverKeepAlive !== undefined &&
      `The client has to use a keep alive of ${properties.serverKeepAlive} s, whatever it asked for [MQTT-3.2.2-21].`,
    properties.maximumQoS !== undefined &&
      `Nothing above QoS ${properties.maximumQoS} may be published here [MQTT-3.2.2-11].`,
    properties.retainAvailable === false && "Retained messages are switched off here [MQTT-3.2.2-14].",
    properties.receiveMaximum !== undefined &&
      `At most ${properties.receiveMaximum} QoS 1 and 2 messages may be on their way to the broker at once [MQTT-3.3.4-7].`,
    properties.topicAliasMaximum !== undefined &&
      `The client may use topic aliases from 1 to ${properties.topicAliasMaximum} [MQTT-3.3.2-9].`,
    properties.maximumPacketSize !== undefined &&
      `Packets of more than ${bytesText(properties.maximumPacketSize)} must not be sent [MQTT-3.2.2-15].`,
    properties.sessionExpiryInterval !== undefined &&
      `The broker keeps the session for ${properties.sessionExpiryInterval} s, not what CONNECT asked for.`,
  ];
}

function explainPublish(
  packet: Packet,
  version: ProtocolVersion,
  direction: Direction | undefined,
): (string | false)[] {
  const p = packet.properties ?? {};
  const empty = !packet.payloadLength && packet.payloadLength !== undefined;
  const five_ = version === 5;
  return [
    QOS[packet.qos ?? 0]!(packet, version),
    !!packet.dup && `DUP: this was sent before, and no acknowledgement came ${"[MQTT-3.3.1-1]"}.`,
    !!packet.retain && retained(direction, empty, version),
    p.topicAlias !== undefined &&
      (packet.topicName
        ? `From now on the alias ${p.topicAlias} stands for this topic, on this connection and in this direction [MQTT-3.3.2-7].`
        : `The topic is that of alias ${p.topicAlias}, given in an earlier packet of this connection.`),
    p.messageExpiryInterval !== undefined &&
      `It is worth ${p.messageExpiryInterval} s more; what waits longer is thrown away [MQTT-3.3.2-5].`,
    p.responseTopic !== undefined && `A request: the answer is awaited on ${quoted(p.responseTopic)}.`,
    five_ &&
      p.subscriptionIdentifier !== undefined &&
      `It matched the subscription with the identifier ${p.subscriptionIdentifier.join(" and ")} [MQTT-3.3.4-3].`,
  ];
}

const QOS: readonly ((packet: Packet, version: ProtocolVersion) => string)[] = [
  () => "QoS 0: sent once, and nobody says whether it arrived [MQTT-4.3.1-1].",
  (packet) =>
    `QoS 1: the sender keeps message ${id(packet)} until PUBACK ${id(packet)} comes, so it may arrive twice [MQTT-4.3.2-3].`,
  (packet) => `QoS 2: message ${id(packet)} takes PUBREC, PUBREL and PUBCOMP, and arrives once [MQTT-4.3.3-3].`,
  () => "QoS 3 does not exist [MQTT-3.3.1-4].",
];

function retained(direction: Direction | undefined, empty: boolean, version: ProtocolVersion): string {
  if (direction === "to-client") {
    return version === 5
      ? "RETAIN: a stored value that came with the subscription, unless that asked for Retain As Published [MQTT-3.3.1-13]."
      : "RETAIN: a stored value, sent because of a new subscription [MQTT-3.3.1-8].";
  }
  const stored = `RETAIN: the broker keeps this as the topic's last value, for whoever subscribes later [MQTT-3.3.1-5].`;
  const gone = `RETAIN without a payload: the broker forgets the topic's last value ${five(version, "[MQTT-3.3.1-6]", "[MQTT-3.3.1-10]")}.`;
  return empty ? gone : stored;
}

function subscription(one: Subscription, version: ProtocolVersion): string {
  const shared = /^\$share\/([^/]*)\/(.*)$/s.exec(one.topicFilter);
  const what =
    shared && version === 5
      ? `Subscribes as a member of the group ${quoted(shared[1]!)} to ${quoted(shared[2]!)}: each message goes to one member [MQTT-4.8.2-4]`
      : `Subscribes to ${quoted(one.topicFilter)}`;
  const options = [
    one.noLocal ? "not what this client publishes itself [MQTT-3.8.3-3]" : "",
    one.retainAsPublished ? "RETAIN as it was published [MQTT-3.3.1-13]" : "",
    one.retainHandling === 1 ? "stored values only if the subscription is new [MQTT-3.3.1-10]" : "",
    one.retainHandling === 2 ? "no stored values [MQTT-3.3.1-11]" : "",
  ].filter(Boolean);
  return `${[`${what}, at most at QoS ${one.qos}`, ...options].join("; ")}.`;
}

function explainDisconnect(
  packet: Packet,
  version: ProtocolVersion,
  direction: Direction | undefined,
): (string | false)[] {
  const code = packet.reasonCode ?? 0;
  const expiry = packet.properties?.sessionExpiryInterval;
  const leaving = five(version, "[MQTT-3.14.4-3]", "[MQTT-3.14.4-3]");
  return [
    code === 0 &&
      direction !== "to-client" &&
      `The client leaves as planned: the broker drops its will without publishing it ${leaving}.`,
    code !== 0 && sentence(explainReasonCode(code, "DISCONNECT", 5)),
    code !== 0 && direction === "to-broker" && "Other than after code 0x00, the will is published [MQTT-3.1.2-8].",
    expiry !== undefined && `The session is to be kept for ${expiry === 0xffffffff ? "ever" : `${expiry} s`} from now.`,
  ];
}

function codes(packet: Packet, type: "SUBACK" | "UNSUBACK", version: ProtocolVersion): string[] {
  return (packet.reasonCodes ?? []).map((code, index) => {
    const read = explainReasonCode(code, type, version);
    const which = (packet.reasonCodes?.length ?? 0) > 1 ? `Filter ${index + 1}: ` : "";
    return `${which}${sentence(read)}`;
  });
}

function common(packet: Packet): string[] {
  const p = packet.properties ?? {};
  return [
    ...(p.reasonString === undefined ? [] : [`The reason in the sender's words: ${quoted(p.reasonString)}.`]),
    ...(p.serverReference === undefined ? [] : [`It names another server: ${quoted(p.serverReference)}.`]),
    ...(p.userProperty ?? []).slice(0, 4).map((one) => `User property ${quoted(one.name)} = ${quoted(one.value)}.`),
  ];
}

function reason(packet: Packet, always = false): string | false {
  const code = packet.reasonCode ?? 0;
  return (always || code !== 0) && sentence(explainReasonCode(code, packet.type, 5));
}

/** "0x87 Not authorized: … Next: …" */
export function sentence(read: ReasonCode): string {
  const clause = read.clause.startsWith("[") ? ` ${read.clause}` : "";
  const next = read.tryNext && read.failure ? ` Next: ${read.tryNext}.` : "";
  return `0x${read.code.toString(16).toUpperCase().padStart(2, "0")} ${read.name}: ${read.meaning}${clause}.${next}`;
}

const id = (packet: Packet): number | string => packet.packetIdentifier ?? "?";
const quoted = (text: string): string => JSON.stringify(text.length > 120 ? `${text.slice(0, 119)}…` : text);
const five = (version: ProtocolVersion, now: string, then: string): string => (version === 5 ? now : then);
