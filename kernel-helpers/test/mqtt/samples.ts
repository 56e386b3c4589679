import type { PacketToEncode } from "kernel-helpers/dist/mqtt/codec";

const bytes = (text: string) => new TextEncoder().encode(text);
const user = [
  { name: "plant", value: "north" },
  { name: "plant", value: "again" },
  { name: "größe", value: "" },
];

/** Packets of every type, as rich as their version allows; `since` is the first version that knows them. */
export const SAMPLES: readonly { readonly since: 3 | 4 | 5; readonly until?: 4; readonly packet: PacketToEncode }[] = [
  { since: 3, until: 4, packet: connect({ cleanSession: true }) },
  { since: 3, until: 4, packet: connect({ cleanSession: false, bridgeMode: true }) },
  { since: 5, packet: connect({ cleanStart: true, clientIdentifier: "" }) },
  {
    since: 5,
    packet: connect({
      cleanStart: false,
      properties: {
        sessionExpiryInterval: 4_294_967_295,
        receiveMaximum: 3,
        maximumPacketSize: 65_535,
        topicAliasMaximum: 10,
        requestResponseInformation: true,
        requestProblemInformation: false,
        userProperty: user,
        authenticationMethod: "SCRAM",
        authenticationData: bytes("\u0000\u0001"),
      },
      will: {
        topic: "site/état",
        payload: bytes("gone"),
        qos: 2,
        retain: true,
        properties: {
          willDelayInterval: 5,
          payloadFormatIndicator: 1,
          messageExpiryInterval: 60,
          contentType: "text/plain",
          responseTopic: "r",
          correlationData: bytes("c"),
          userProperty: user,
        },
      },
    }),
  },
  { since: 3, until: 4, packet: { type: "CONNACK", sessionPresent: false, returnCode: 5 } },
  { since: 4, until: 4, packet: { type: "CONNACK", sessionPresent: true, returnCode: 0 } },
  {
    since: 5,
    packet: {
      type: "CONNACK",
      sessionPresent: true,
      reasonCode: 0,
      properties: {
        sessionExpiryInterval: 10,
        receiveMaximum: 20,
        maximumQoS: 1,
        retainAvailable: false,
        maximumPacketSize: 100,
        assignedClientIdentifier: "auto-1",
        topicAliasMaximum: 10,
        reasonString: "why",
        userProperty: user,
        wildcardSubscriptionAvailable: true,
        subscriptionIdentifierAvailable: true,
        sharedSubscriptionAvailable: false,
        serverKeepAlive: 30,
        responseInformation: "r/",
        serverReference: "other:1883",
        authenticationMethod: "m",
        authenticationData: bytes("d"),
      },
    },
  },
  { since: 3, packet: { type: "PUBLISH", dup: false, qos: 0, retain: false, topicName: "a", payload: bytes("") } },
  {
    since: 3,
    packet: {
      type: "PUBLISH",
      dup: true,
      qos: 1,
      retain: true,
      topicName: "boiler/3/temp",
      packetIdentifier: 7,
      payload: bytes("71.5"),
    },
  },
  {
    since: 5,
    packet: {
      type: "PUBLISH",
      dup: false,
      qos: 2,
      retain: false,
      topicName: "",
      packetIdentifier: 65_535,
      properties: {
        payloadFormatIndicator: 0,
        messageExpiryInterval: 1,
        topicAlias: 9,
        responseTopic: "answers/1",
        correlationData: Uint8Array.of(0, 255),
        userProperty: user,
        subscriptionIdentifier: [1, 268_435_455],
        contentType: "application/octet-stream",
      },
      payload: Uint8Array.of(0, 1, 254, 255),
    },
  },
  ...(["PUBACK", "PUBREC", "PUBREL", "PUBCOMP"] as const).flatMap((type) => [
    { since: 3 as const, packet: { type, packetIdentifier: 258 } },
    {
      since: 5 as const,
      packet: {
        type,
        packetIdentifier: 258,
        reasonCode: type === "PUBACK" || type === "PUBREC" ? 0x87 : 0x92,
        properties: { reasonString: "no", userProperty: user },
      },
    },
  ]),
  {
    since: 3,
    until: 4,
    packet: {
      type: "SUBSCRIBE",
      packetIdentifier: 1,
      subscriptions: [
        { topicFilter: "a/+/b", qos: 0 },
        { topicFilter: "#", qos: 2 },
      ],
    },
  },
  {
    since: 5,
    packet: {
      type: "SUBSCRIBE",
      packetIdentifier: 2,
      properties: { subscriptionIdentifier: [128], userProperty: user },
      subscriptions: [
        { topicFilter: "$share/workers/jobs/#", qos: 1, noLocal: false, retainAsPublished: true, retainHandling: 2 },
        { topicFilter: "+", qos: 0, noLocal: true, retainAsPublished: false, retainHandling: 0 },
      ],
    },
  },
  { since: 3, until: 4, packet: { type: "SUBACK", packetIdentifier: 1, reasonCodes: [0, 1, 2, 128] } },
  {
    since: 5,
    packet: {
      type: "SUBACK",
      packetIdentifier: 2,
      reasonCodes: [0, 1, 2, 0x87],
      properties: { reasonString: "x", userProperty: user },
    },
  },
  { since: 3, packet: { type: "UNSUBSCRIBE", packetIdentifier: 3, topicFilters: ["a/+/b", "é"] } },
  {
    since: 5,
    packet: { type: "UNSUBSCRIBE", packetIdentifier: 3, topicFilters: ["x"], properties: { userProperty: user } },
  },
  { since: 3, until: 4, packet: { type: "UNSUBACK", packetIdentifier: 3 } },
  {
    since: 5,
    packet: {
      type: "UNSUBACK",
      packetIdentifier: 3,
      reasonCodes: [0, 0x11],
      properties: { reasonString: "x", userProperty: user },
    },
  },
  { since: 3, packet: { type: "PINGREQ" } },
  { since: 3, packet: { type: "PINGRESP" } },
  { since: 3, packet: { type: "DISCONNECT" } },
  {
    since: 5,
    packet: {
      type: "DISCONNECT",
      reasonCode: 0x9c,
      properties: { sessionExpiryInterval: 0, reasonString: "go", userProperty: user, serverReference: "b:1" },
    },
  },
  {
    since: 5,
    packet: {
      type: "AUTH",
      reasonCode: 0x18,
      properties: {
        authenticationMethod: "m",
        authenticationData: bytes("d"),
        reasonString: "more",
        userProperty: user,
      },
    },
  },
];

function connect(more: Partial<PacketToEncode>): PacketToEncode {
  return {
    type: "CONNECT",
    keepAlive: 60,
    clientIdentifier: "sensor",
    userName: "anna",
    password: bytes("s3cret"),
    will: { topic: "state", payload: bytes("off"), qos: 1, retain: false },
    ...more,
  };
}

/** Every sample in every version that knows it; a CONNECT names its version itself. */
export function each(visit: (version: 3 | 4 | 5, packet: PacketToEncode) => void): void {
  for (const { since, until = 5, packet } of SAMPLES) {
    for (const version of [3, 4, 5] as const) {
      if (version < since || version > until) continue;
      visit(version, packet.type === "CONNECT" ? { ...packet, protocolVersion: version } : packet);
    }
  }
}

/** Whole numbers below a bound, the same on every run. */
export function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}
