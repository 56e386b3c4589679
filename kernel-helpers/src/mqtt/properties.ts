import type { PacketType, Properties } from "./packet";

/** How a property's value is written (MQTT 5.0, 1.5). A flag is a byte that may be 0 or 1 only. */
export type PropertyKind = "byte" | "flag" | "two" | "four" | "variable" | "string" | "binary" | "pair";

export interface Property {
  readonly id: number;
  readonly key: keyof Properties;
  /** In the specification's words. */
  readonly name: string;
  readonly kind: PropertyKind;
  /** Where it may stand; "WILL" for the will's properties. */
  readonly of: readonly (PacketType | "WILL")[];
  readonly unit?: string;
  /** May stand in a packet more than once. */
  readonly repeats?: boolean;
}

const ACKS = ["PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBACK", "UNSUBACK"] as const;
const MESSAGE = ["PUBLISH", "WILL"] as const;
const AUTHENTICATED = ["CONNECT", "CONNACK", "AUTH"] as const;
const ANSWERS = ["CONNACK", ...ACKS, "DISCONNECT", "AUTH"] as const;
const EVERY = ["CONNECT", "PUBLISH", "WILL", "SUBSCRIBE", "UNSUBSCRIBE", ...ANSWERS] as const;

/** MQTT 5.0, table 2-4. */
export const PROPERTIES: readonly Property[] = [
  { id: 0x01, key: "payloadFormatIndicator", name: "Payload Format Indicator", kind: "byte", of: MESSAGE },
  { id: 0x02, key: "messageExpiryInterval", name: "Message Expiry Interval", kind: "four", of: MESSAGE, unit: "s" },
  { id: 0x03, key: "contentType", name: "Content Type", kind: "string", of: MESSAGE },
  { id: 0x08, key: "responseTopic", name: "Response Topic", kind: "string", of: MESSAGE },
  { id: 0x09, key: "correlationData", name: "Correlation Data", kind: "binary", of: MESSAGE },
  {
    id: 0x0b,
    key: "subscriptionIdentifier",
    name: "Subscription Identifier",
    kind: "variable",
    of: ["PUBLISH", "SUBSCRIBE"],
    repeats: true,
  },
  {
    id: 0x11,
    key: "sessionExpiryInterval",
    name: "Session Expiry Interval",
    kind: "four",
    of: ["CONNECT", "CONNACK", "DISCONNECT"],
    unit: "s",
  },
  { id: 0x12, key: "assignedClientIdentifier", name: "Assigned Client Identifier", kind: "string", of: ["CONNACK"] },
  { id: 0x13, key: "serverKeepAlive", name: "Server Keep Alive", kind: "two", of: ["CONNACK"], unit: "s" },
  { id: 0x15, key: "authenticationMethod", name: "Authentication Method", kind: "string", of: AUTHENTICATED },
  { id: 0x16, key: "authenticationData", name: "Authentication Data", kind: "binary", of: AUTHENTICATED },
  { id: 0x17, key: "requestProblemInformation", name: "Request Problem Information", kind: "flag", of: ["CONNECT"] },
  { id: 0x18, key: "willDelayInterval", name: "Will Delay Interval", kind: "four", of: ["WILL"], unit: "s" },
  { id: 0x19, key: "requestResponseInformation", name: "Request Response Information", kind: "flag", of: ["CONNECT"] },
  { id: 0x1a, key: "responseInformation", name: "Response Information", kind: "string", of: ["CONNACK"] },
  { id: 0x1c, key: "serverReference", name: "Server Reference", kind: "string", of: ["CONNACK", "DISCONNECT"] },
  { id: 0x1f, key: "reasonString", name: "Reason String", kind: "string", of: ANSWERS },
  { id: 0x21, key: "receiveMaximum", name: "Receive Maximum", kind: "two", of: ["CONNECT", "CONNACK"] },
  { id: 0x22, key: "topicAliasMaximum", name: "Topic Alias Maximum", kind: "two", of: ["CONNECT", "CONNACK"] },
  { id: 0x23, key: "topicAlias", name: "Topic Alias", kind: "two", of: ["PUBLISH"] },
  { id: 0x24, key: "maximumQoS", name: "Maximum QoS", kind: "byte", of: ["CONNACK"] },
  { id: 0x25, key: "retainAvailable", name: "Retain Available", kind: "flag", of: ["CONNACK"] },
  { id: 0x26, key: "userProperty", name: "User Property", kind: "pair", of: EVERY, repeats: true },
  {
    id: 0x27,
    key: "maximumPacketSize",
    name: "Maximum Packet Size",
    kind: "four",
    of: ["CONNECT", "CONNACK"],
    unit: "bytes",
  },
  {
    id: 0x28,
    key: "wildcardSubscriptionAvailable",
    name: "Wildcard Subscription Available",
    kind: "flag",
    of: ["CONNACK"],
  },
  {
    id: 0x29,
    key: "subscriptionIdentifierAvailable",
    name: "Subscription Identifier Available",
    kind: "flag",
    of: ["CONNACK"],
  },
  {
    id: 0x2a,
    key: "sharedSubscriptionAvailable",
    name: "Shared Subscription Available",
    kind: "flag",
    of: ["CONNACK"],
  },
];

export const propertyById: ReadonlyMap<number, Property> = new Map(PROPERTIES.map((one) => [one.id, one]));
export const propertyByKey: ReadonlyMap<string, Property> = new Map(PROPERTIES.map((one) => [one.key, one]));
