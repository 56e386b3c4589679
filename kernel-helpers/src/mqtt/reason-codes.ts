import { hexCode } from "./cursor";
import type { PacketType, ProtocolVersion } from "./packet";

/** A reason code in words. */
export interface ReasonCode {
  readonly code: number;
  /** The specification's name: "Not authorized". */
  readonly name: string;
  readonly meaning: string;
  /** What to do about it; "" where nothing is to be done. */
  readonly tryNext: string;
  /** Where it is defined or demanded. */
  readonly clause: string;
  /** A refusal: from 0x80 on in MQTT 5, anything but 0 in a CONNACK of MQTT 3. */
  readonly failure: boolean;
}

type Row = readonly [name: string, of: string, meaning: string, tryNext: string, clause?: string];

/** MQTT 5.0, table 2-6: name, packets, meaning, what to try. Packets are one word each, see LETTERS. */
const CODES: Readonly<Record<number, Row>> = {
  0: ["Success", "C A R L P U T", "it was done as asked", ""],
  1: ["Granted QoS 1", "S", "the subscription is made, at most at QoS 1", "", "[MQTT-3.8.4-7]"],
  2: ["Granted QoS 2", "S", "the subscription is made, at most at QoS 2", "", "[MQTT-3.8.4-7]"],
  4: [
    "Disconnect with Will Message",
    "D",
    "the client leaves and wants its will published all the same",
    "",
    "[MQTT-3.1.2-8]",
  ],
  16: [
    "No matching subscribers",
    "A R",
    "the broker took the message, and nobody is subscribed to its topic",
    "if somebody should have got it, compare the subscriber's filter with this topic letter by letter",
  ],
  17: [
    "No subscription existed",
    "U",
    "there was no subscription with this filter to remove",
    "unsubscribe with exactly the filter that was subscribed: filters are compared character by character",
    "[MQTT-3.10.4-1]",
  ],
  24: [
    "Continue authentication",
    "T",
    "the other side has to take the next step of the exchange",
    "",
    "[MQTT-4.12.0-2]",
  ],
  25: ["Re-authenticate", "T", "the client starts a new authentication on a living connection", "", "[MQTT-4.12.1-1]"],
  128: [
    "Unspecified error",
    "C A R S U D",
    "the other side won't, and doesn't say why",
    "read the broker's log at this moment",
  ],
  129: [
    "Malformed Packet",
    "C D",
    "the bytes could not be read as a packet",
    "look at the bytes of the packet before this one in the tap",
    "[MQTT-4.13.1-1]",
  ],
  130: [
    "Protocol Error",
    "C D",
    "a packet that can be read, but is not allowed here or now",
    "look at the packet before this one: its flags, its properties, and whether it came twice",
    "[MQTT-4.13.1-1]",
  ],
  131: [
    "Implementation specific error",
    "C A R S U D",
    "valid, but this broker does not accept it",
    "read the broker's log and its configuration",
  ],
  132: [
    "Unsupported Protocol Version",
    "C",
    "the broker does not speak the version that CONNECT names",
    "connect with protocolVersion 4 or 5; on the broker look for accept_protocol_versions",
    "[MQTT-3.1.2-2]",
  ],
  133: [
    "Client Identifier not valid",
    "C",
    "the client id is valid UTF-8, but the broker does not allow it",
    "give a client id; Mosquitto says this when allow_zero_length_clientid is false and the id is empty",
    "[MQTT-3.1.3-8]",
  ],
  134: [
    "Bad User Name or Password",
    "C",
    "the broker knows no such user with this password",
    "try the same pair with mosquitto_sub -u -P; the password file is read at start and at SIGHUP only",
    "[MQTT-3.1.4-2]",
  ],
  135: [
    "Not authorized",
    "C A R S U D",
    "the broker knows who this is, or that it is nobody, and does not allow it",
    "look at allow_anonymous, the user's line in the ACL file or its roles, and the topic's spelling",
    "[MQTT-3.1.4-2]",
  ],
  136: [
    "Server unavailable",
    "C",
    "the broker cannot serve now",
    "wait and connect again; look whether its authentication back end answers",
  ],
  137: [
    "Server busy",
    "C D",
    "the broker has too much to do",
    "connect again after a pause that grows with each attempt",
  ],
  138: ["Banned", "C", "an administrator shut this client out", "ask whoever runs the broker"],
  139: ["Server shutting down", "D", "the broker is about to end", "connect again when it is back"],
  140: [
    "Bad authentication method",
    "C D",
    "the authentication method is unknown to the broker, or not the one agreed on",
    "leave authenticationMethod out, unless the broker has a plugin for it",
    "[MQTT-4.12.0-1]",
  ],
  141: [
    "Keep Alive timeout",
    "D",
    "nothing came from the client for one and a half times the keep alive",
    "look what kept the client silent: a busy loop, a sleeping machine, a dead network",
    "[MQTT-3.1.2-22]",
  ],
  142: [
    "Session taken over",
    "D",
    "another connection came with the same client id, and the newer one stays",
    "give each client its own id; two clients that reconnect by themselves throw each other out for ever",
    "[MQTT-3.1.4-3]",
  ],
  143: [
    "Topic Filter invalid",
    "S U D",
    "the filter is well formed, but not accepted here",
    "check where + and # stand: + fills a whole level, # is the last one",
    "[MQTT-4.7.1-1]",
  ],
  144: [
    "Topic Name invalid",
    "C A R D",
    "the topic name is well formed, but not accepted here",
    "publish to a name without + and #, not empty, and within the broker's limits",
    "[MQTT-3.3.2-2]",
  ],
  145: [
    "Packet Identifier in use",
    "A R S U",
    "this packet identifier belongs to an exchange that is not finished",
    "one side lost its session state: connect with a clean start on both sides",
    "[MQTT-2.2.1-3]",
  ],
  146: [
    "Packet Identifier not found",
    "L P",
    "this packet identifier belongs to no unfinished exchange",
    "no harm while a session recovers; otherwise the sessions of both sides differ",
    "[MQTT-4.3.3-7]",
  ],
  147: [
    "Receive Maximum exceeded",
    "D",
    "more unacknowledged QoS 1 and 2 messages than the receiver's Receive Maximum",
    "wait for acknowledgements before sending more: count the open PUBLISH packets in the tap",
    "[MQTT-3.3.4-7]",
  ],
  148: [
    "Topic Alias invalid",
    "D",
    "the alias is 0, above the receiver's maximum, or was never given a topic",
    "compare the alias with Topic Alias Maximum in CONNACK; each new connection begins without aliases",
    "[MQTT-3.3.2-9]",
  ],
  149: [
    "Packet too large",
    "C D",
    "the packet is larger than the receiver's Maximum Packet Size",
    "look at maximumPacketSize in CONNACK, and at max_packet_size or message_size_limit on the broker",
    "[MQTT-3.2.2-15]",
  ],
  150: ["Message rate too high", "D", "more messages a second than the broker takes", "publish more slowly"],
  151: [
    "Quota exceeded",
    "C A R S D",
    "a limit that an administrator or the implementation set is reached",
    "fewer messages in flight, fewer subscriptions or fewer connections; read the broker's limits",
  ],
  152: [
    "Administrative action",
    "D",
    "an administrator ended this connection",
    "connect again; Mosquitto says this after every dynamic-security change that touches the client",
  ],
  153: [
    "Payload format invalid",
    "C A R D",
    "the payload is not UTF-8, though the Payload Format Indicator says so",
    "send text as UTF-8, or leave payloadFormatIndicator out",
  ],
  154: [
    "Retain not supported",
    "C D",
    "the broker keeps no retained messages",
    "look at retainAvailable in CONNACK and retain_available in the broker's configuration",
    "[MQTT-3.2.2-14]",
  ],
  155: [
    "QoS not supported",
    "C D",
    "the QoS is higher than the broker's Maximum QoS",
    "look at maximumQoS in CONNACK and max_qos in the broker's configuration",
    "[MQTT-3.2.2-11]",
  ],
  156: ["Use another server", "C D", "another server should be used for now", "look for the property serverReference"],
  157: ["Server moved", "C D", "another server should be used from now on", "look for the property serverReference"],
  158: [
    "Shared Subscriptions not supported",
    "S D",
    "the broker knows no shared subscriptions",
    "look at sharedSubscriptionAvailable in CONNACK",
  ],
  159: [
    "Connection rate exceeded",
    "C D",
    "too many connections in too short a time",
    "connect again after a pause that grows with each attempt",
  ],
  160: ["Maximum connect time", "D", "the connection was open for as long as the broker allows", "connect again"],
  161: [
    "Subscription Identifiers not supported",
    "S D",
    "the broker knows no subscription identifiers",
    "look at subscriptionIdentifierAvailable in CONNACK",
  ],
  162: [
    "Wildcard Subscriptions not supported",
    "S D",
    "the broker takes filters without + and # only",
    "look at wildcardSubscriptionAvailable in CONNACK",
  ],
};

const LETTERS: Readonly<Partial<Record<PacketType, string>>> = {
  CONNACK: "C",
  PUBACK: "A",
  PUBREC: "R",
  PUBREL: "L",
  PUBCOMP: "P",
  SUBACK: "S",
  UNSUBACK: "U",
  DISCONNECT: "D",
  AUTH: "T",
};

/** MQTT 3.1.1, table 3.1. */
const RETURN_CODES: readonly Row[] = [
  ["Connection Accepted", "C", "the broker took the connection", "", "3.2.2.3"],
  [
    "Connection Refused, unacceptable protocol version",
    "C",
    "the broker does not speak the version that CONNECT names",
    "connect with protocolVersion 4 or 5; on the broker look for accept_protocol_versions",
    "[MQTT-3.1.2-2]",
  ],
  [
    "Connection Refused, identifier rejected",
    "C",
    "the client id is not allowed; an empty one needs a clean session",
    "give a client id, or set clean to true",
    "[MQTT-3.1.3-8]",
  ],
  [
    "Connection Refused, Server unavailable",
    "C",
    "the connection works, the MQTT service does not",
    "wait and connect again; read the broker's log",
    "[MQTT-3.2.2-5]",
  ],
  [
    "Connection Refused, bad user name or password",
    "C",
    "the broker knows no such user with this password",
    "try the same pair with mosquitto_sub -u -P; the password file is read at start and at SIGHUP only",
    "[MQTT-3.2.2-5]",
  ],
  [
    "Connection Refused, not authorized",
    "C",
    "the broker does not let this client in",
    "look at allow_anonymous and the password file; Mosquitto answers a wrong password with this code too",
    "[MQTT-3.2.2-5]",
  ],
];

/**
 * A reason code in words: every code of MQTT 5.0 (table 2-6), the return codes of CONNACK in MQTT 3.1 and 3.1.1, and
 * SUBACK's 0x80. Codes that stand where they may not, or that nobody defined, say so.
 *
 * @param packetType the packet that carries it: 0x00 is "Granted QoS 0" in a SUBACK. @param version default 5.
 */
export function explainReasonCode(code: number, packetType?: PacketType, version: ProtocolVersion = 5): ReasonCode {
  if (version < 5 && packetType === "CONNACK") return returnCode(code);
  if (version < 5 && packetType === "SUBACK") return subackCode(code);
  const row = code === 0 && packetType ? zero(packetType) : CODES[code];
  if (!row) return unknown(code);
  const [name, of, meaning, tryNext, clause = "2.4"] = row;
  const letter = packetType && LETTERS[packetType];
  const stray = packetType && !(letter && of.includes(letter));
  return {
    code,
    name,
    meaning: stray ? `${meaning}; MQTT 5 does not allow this code in ${packetType}` : meaning,
    tryNext,
    clause,
    failure: code >= 0x80,
  };
}

/** "0x87 Not authorized". */
export const reasonText = (code: number, packetType?: PacketType, version: ProtocolVersion = 5): string =>
  `${hexCode(code)} ${explainReasonCode(code, packetType, version).name}`;

/** All codes of MQTT 5.0, for tables and tests. */
export const REASON_CODES: readonly number[] = Object.keys(CODES).map(Number);

function zero(packetType: PacketType): Row {
  if (packetType === "SUBACK") {
    return ["Granted QoS 0", "S", "the subscription is made, at QoS 0", "", "[MQTT-3.8.4-7]"];
  }
  if (packetType === "DISCONNECT") {
    return ["Normal disconnection", "D", "the connection ends as planned; no will is published", "", "[MQTT-3.14.4-3]"];
  }
  return CODES[0]!;
}

function returnCode(code: number): ReasonCode {
  const row = RETURN_CODES[code];
  if (!row) return { ...unknown(code), clause: "3.2.2.3" };
  const [name, , meaning, tryNext, clause = "3.2.2.3"] = row;
  return { code, name, meaning, tryNext, clause, failure: code !== 0 };
}

function subackCode(code: number): ReasonCode {
  if (code <= 2) {
    const meaning = `the subscription is made, at most at QoS ${code}`;
    return { code, name: `Maximum QoS ${code}`, meaning, tryNext: "", clause: "[MQTT-3.8.4-5]", failure: false };
  }
  if (code !== 0x80) return { ...unknown(code), clause: "[MQTT-3.9.3-2]" };
  return {
    code,
    name: "Failure",
    meaning: "the broker refused this subscription, and MQTT 3.1.1 has no code that says why",
    tryNext: "connect with protocolVersion 5 to be told the reason; then look at the filter and the ACL",
    clause: "[MQTT-3.8.4-5]",
    failure: true,
  };
}

const unknown = (code: number): ReasonCode => ({
  code,
  name: "Reserved",
  meaning: "the specification defines no such code",
  tryNext: "look at the packet's bytes in the tap: was it decoded as the protocol version of its CONNECT?",
  clause: "2.4",
  failure: code >= 0x80,
});
