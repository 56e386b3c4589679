/** The 15 packets of MQTT in the specification's names. Page-safe: plain data, bytes as Uint8Array. */

export const PACKET_TYPES = [
  "RESERVED",
  "CONNECT",
  "CONNACK",
  "PUBLISH",
  "PUBACK",
  "PUBREC",
  "PUBREL",
  "PUBCOMP",
  "SUBSCRIBE",
  "SUBACK",
  "UNSUBSCRIBE",
  "UNSUBACK",
  "PINGREQ",
  "PINGRESP",
  "DISCONNECT",
  "AUTH",
] as const;

/** MALFORMED stands for bytes that are no packet: `problem` says why, `claims` what their first byte promised. */
export type PacketType = Exclude<(typeof PACKET_TYPES)[number], "RESERVED"> | "MALFORMED";

/** The protocol level of CONNECT: 3 is MQTT 3.1, 4 is MQTT 3.1.1, 5 is MQTT 5.0. */
export type ProtocolVersion = 3 | 4 | 5;

export const VERSION_NAMES: Readonly<Record<number, string>> = { 3: "MQTT 3.1", 4: "MQTT 3.1.1", 5: "MQTT 5.0" };

export type Direction = "to-broker" | "to-client";

export type UserProperty = { readonly name: string; readonly value: string };

/** MQTT 5 properties: the specification's names (table 2-4) in camelCase. Absent means absent from the packet. */
export type Properties = {
  readonly payloadFormatIndicator?: number;
  /** Seconds. */
  readonly messageExpiryInterval?: number;
  readonly contentType?: string;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  /** Several where one message matched several subscriptions. */
  readonly subscriptionIdentifier?: readonly number[];
  /** Seconds; 4294967295 = never. */
  readonly sessionExpiryInterval?: number;
  readonly assignedClientIdentifier?: string;
  /** Seconds. */
  readonly serverKeepAlive?: number;
  readonly authenticationMethod?: string;
  readonly authenticationData?: Uint8Array;
  readonly requestProblemInformation?: boolean;
  /** Seconds. */
  readonly willDelayInterval?: number;
  readonly requestResponseInformation?: boolean;
  readonly responseInformation?: string;
  readonly serverReference?: string;
  readonly reasonString?: string;
  readonly receiveMaximum?: number;
  readonly topicAliasMaximum?: number;
  readonly topicAlias?: number;
  readonly maximumQoS?: number;
  readonly retainAvailable?: boolean;
  /** In the order of the packet; names may repeat [MQTT-3.3.2-18]. */
  readonly userProperty?: readonly UserProperty[];
  /** Bytes. */
  readonly maximumPacketSize?: number;
  readonly wildcardSubscriptionAvailable?: boolean;
  readonly subscriptionIdentifierAvailable?: boolean;
  readonly sharedSubscriptionAvailable?: boolean;
};

export type Will = {
  readonly topic: string;
  readonly payload: Uint8Array | string;
  readonly qos?: number;
  readonly retain?: boolean;
  readonly properties?: Properties;
};

/** A subscription of SUBSCRIBE. The last three are MQTT 5's; in 3.1.1 they are absent. */
export type Subscription = {
  readonly topicFilter: string;
  readonly qos: number;
  readonly noLocal?: boolean;
  readonly retainAsPublished?: boolean;
  /** 0 send retained messages, 1 only for a new subscription, 2 never. */
  readonly retainHandling?: number;
};

/**
 * A packet. One type for all 15, so that a cell can read `packet.topicName` without asking for the type first: which
 * fields are there depends on `type`.
 */
export type Packet = {
  readonly type: PacketType;

  // CONNECT
  readonly protocolName?: string;
  readonly protocolVersion?: number;
  /** Bit 7 of the protocol level, by which Mosquitto's bridges make themselves known to each other. */
  readonly bridgeMode?: boolean;
  /** MQTT 5. */
  readonly cleanStart?: boolean;
  /** MQTT 3.1 and 3.1.1. */
  readonly cleanSession?: boolean;
  /** Seconds. */
  readonly keepAlive?: number;
  readonly clientIdentifier?: string;
  readonly will?: Will;
  readonly userName?: string;
  readonly password?: Uint8Array | string;

  // CONNACK
  readonly sessionPresent?: boolean;
  /** CONNACK of MQTT 3.1 and 3.1.1. */
  readonly returnCode?: number;

  // PUBLISH
  readonly dup?: boolean;
  readonly qos?: number;
  readonly retain?: boolean;
  readonly topicName?: string;
  readonly payload?: Uint8Array | string;
  /** The payload as text when it is UTF-8 without control characters: at most its first 256 bytes. */
  readonly payloadText?: string;
  /** Bytes on the wire, also where `payload` holds only the first of them. */
  readonly payloadLength?: number;

  readonly packetIdentifier?: number;
  /** MQTT 5. 0x00 where the packet leaves it out. */
  readonly reasonCode?: number;
  readonly subscriptions?: readonly Subscription[];
  readonly topicFilters?: readonly string[];
  /** SUBACK (3.1.1 calls them return codes) and UNSUBACK of MQTT 5: one for each filter, in order. */
  readonly reasonCodes?: readonly number[];
  readonly properties?: Properties;

  /** What is wrong with it, in words. Readable packets have one too: a PUBLISH that should have been a CONNECT. */
  readonly problem?: string;
  /** The statement that the problem breaks: "[MQTT-3.1.0-1]". */
  readonly clause?: string;
  /** Of a MALFORMED packet: what its first byte promised. */
  readonly claims?: string;
};

/** Bytes start (inclusive) to end (exclusive) of a packet: what the field is called and what it says. */
export interface ByteField {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly text?: string;
}
