import type { PacketRecord } from "../views/record";
import type { timelineView } from "../views/timeline";
import type { TopicsData } from "../views/topics";

/** Sample packets for the gallery and for tests: bytes as they are on the wire, fields as a decoder names them. */

interface Sample {
  readonly up: boolean;
  readonly at: number;
  readonly client?: string;
  readonly connection?: number;
  readonly packet: PacketRecord["packet"];
  readonly bytes: string;
  readonly fields?: readonly (readonly [name: string, length: number, text?: string])[];
  readonly explanation?: readonly string[];
  readonly fault?: PacketRecord["fault"];
  readonly reason?: string;
}

function record(sample: Sample, number: number): PacketRecord {
  let start = 0;
  const fields = (sample.fields ?? []).map(([name, length, text]) => {
    const field = { name, start, end: start + length, text };
    start += length;
    return field;
  });
  return {
    number,
    at: sample.at,
    direction: sample.up ? "to-broker" : "to-client",
    connection: sample.connection ?? 1,
    clientId: sample.client ?? "sensor",
    packet: sample.packet,
    bytes: sample.bytes.replace(/ /g, ""),
    fields,
    explanation: sample.explanation,
    fault: sample.fault,
    reason: sample.reason,
  };
}

const all = (samples: readonly Sample[]): PacketRecord[] => samples.map((sample, i) => record(sample, i + 1));

/** "text" as MQTT's length-prefixed UTF-8, in hex. */
const hex = (text: string): string =>
  Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** A client connects, publishes one retained value at QoS 1, and leaves. */
export const firstPackets: PacketRecord[] = all([
  {
    up: true,
    at: 0,
    packet: { type: "CONNECT", protocolVersion: 5, cleanStart: true, clientIdentifier: "sensor", keepAlive: 60 },
    bytes: `10 13 0004 ${hex("MQTT")} 05 02 003c 00 0006 ${hex("sensor")}`,
    fields: [
      ["packet type and flags", 1, "CONNECT"],
      ["remaining length", 1, "19"],
      ["protocol name", 6, "MQTT"],
      ["protocol level", 1, "5: MQTT 5.0"],
      ["connect flags", 1, "clean start"],
      ["keep alive", 2, "60 s"],
      ["properties", 1, "none"],
      ["client id", 8, "sensor"],
    ],
    explanation: [
      "The first packet of every connection is CONNECT [MQTT-3.1.0-1].",
      "Clean start: the broker forgets any session that it kept for this client id.",
    ],
  },
  {
    up: false,
    at: 1.8,
    packet: { type: "CONNACK", reasonCode: 0, sessionPresent: false },
    bytes: "20 09 00 00 06 22 000a 21 0014",
    fields: [
      ["packet type and flags", 1, "CONNACK"],
      ["remaining length", 1, "9"],
      ["acknowledge flags", 1, "no session present"],
      ["reason code", 1, "0x00 success"],
      ["properties length", 1, "6"],
      ["topic alias maximum", 3, "10"],
      ["receive maximum", 3, "20"],
    ],
    explanation: ["The broker took the connection. Before this packet an open port proves nothing."],
  },
  {
    up: true,
    at: 3.1,
    packet: { type: "PUBLISH", qos: 1, retain: true, topicName: "boiler/3/temp", payload: "71.5", packetIdentifier: 7 },
    bytes: `33 16 000d ${hex("boiler/3/temp")} 0007 00 ${hex("71.5")}`,
    fields: [
      ["packet type and flags", 1, "PUBLISH, QoS 1, RETAIN"],
      ["remaining length", 1, "22"],
      ["topic", 15, "boiler/3/temp"],
      ["packet id", 2, "7"],
      ["properties", 1, "none"],
      ["payload", 4, "71.5"],
    ],
    explanation: ["RETAIN: the broker keeps this as the topic's last value."],
  },
  {
    up: false,
    at: 3.6,
    packet: { type: "PUBACK", packetIdentifier: 7, reasonCode: 0x10 },
    reason: "no matching subscribers",
    bytes: "40 03 0007 10",
    fields: [
      ["packet type and flags", 1, "PUBACK"],
      ["remaining length", 1, "3"],
      ["packet id", 2, "7"],
      ["reason code", 1, "0x10 no matching subscribers"],
    ],
  },
  { up: true, at: 1204.4, packet: { type: "DISCONNECT", reasonCode: 0 }, bytes: "e0 00" },
]);

const publish = (up: boolean, at: number, qos: number, id: number | undefined, more: Partial<Sample> = {}): Sample => ({
  up,
  at,
  packet: {
    type: "PUBLISH",
    qos,
    topicName: "boiler/3/temp",
    payload: "71.5",
    packetIdentifier: id,
  },
  bytes: `3${qos * 2} 11 000d ${hex("boiler/3/temp")} ${hex("71.5")}`,
  ...{ client: more.client, connection: more.connection, fault: more.fault },
});

const ack = (
  type: string,
  up: boolean,
  at: number,
  id: number,
  client: string,
  connection: number,
  fault?: Sample["fault"],
): Sample => ({
  up,
  at,
  client,
  connection,
  packet: { type, packetIdentifier: id },
  bytes: "40 02 00 07",
  fault,
});

/** A sensor, a dashboard that subscribed, QoS 1 and 2 flows, a lost PUBACK and the DUP that follows. */
export const deliveries: PacketRecord[] = all([
  {
    up: true,
    at: 0,
    client: "dashboard",
    connection: 2,
    packet: {
      type: "SUBSCRIBE",
      packetIdentifier: 1,
      subscriptions: [{ topicFilter: "boiler/+/temp", qos: 1, retainHandling: 1 }],
    },
    bytes: `82 13 0001 00 000d ${hex("boiler/+/temp")} 11`,
  },
  {
    up: false,
    at: 0.7,
    client: "dashboard",
    connection: 2,
    packet: { type: "SUBACK", packetIdentifier: 1, reasonCodes: [1] },
    bytes: "90 04 0001 00 01",
  },
  publish(true, 12, 0, undefined),
  publish(false, 12.4, 0, undefined, { client: "dashboard", connection: 2 }),
  publish(true, 40.2, 1, 7),
  ack("PUBACK", false, 40.9, 7, "sensor", 1),
  publish(false, 41, 1, 1, { client: "dashboard", connection: 2 }),
  ack("PUBACK", true, 41.8, 1, "dashboard", 2, "dropped"),
  {
    ...publish(false, 5042, 1, 1, { client: "dashboard", connection: 3 }),
    packet: { type: "PUBLISH", qos: 1, dup: true, topicName: "boiler/3/temp", payload: "71.5", packetIdentifier: 1 },
  },
  ack("PUBACK", true, 5043, 1, "dashboard", 3),
  publish(true, 6001, 2, 8),
  ack("PUBREC", false, 6001.8, 8, "sensor", 1),
  ack("PUBREL", true, 6002.3, 8, "sensor", 1),
  ack("PUBCOMP", false, 6003, 8, "sensor", 1),
  {
    up: false,
    at: 6900,
    client: "dashboard",
    connection: 3,
    packet: { type: "DISCONNECT", reasonCode: 0x8e },
    reason: "session taken over",
    bytes: "e0 01 8e",
  },
]);

const HOSTILE = [
  "<script>alert(1)</script>",
  '"]]><svg onload=x>',
  "קומקום/שלוש/חום",
  "🌡️👩‍🔬 températur 温度",
  "a\u202eb\u0000c\u001b[31m",
  `plant/${"very-long-segment/".repeat(20)}end`,
  "\ud800 lone",
  "'onmouseover='x'",
];

/** What a peer may send that wishes the reader ill, or that is merely long. */
export const hostile: PacketRecord[] = all(
  HOSTILE.map((text, i) => ({
    up: i % 2 === 0,
    at: i * 3.3,
    client: i < 2 ? text.slice(0, 60) : `meter-${i % 3}`,
    connection: i < 2 ? i + 1 : 3 + (i % 3),
    packet: { type: "PUBLISH", qos: i % 3, retain: i % 2 === 1, topicName: text, payload: text, packetIdentifier: i },
    bytes: hex(text.replace(/[\ud800-\udfff]/g, "?")).slice(0, 1000),
    fields: [["<b>topic</b>", 12, text] as const],
    explanation: [`What arrived: ${text}`],
  })),
);

/** A long recording: `count` packets of one client, QoS 1. */
export const many = (count: number): PacketRecord[] =>
  all(
    Array.from({ length: count }, (_, i): Sample => {
      const id = Math.floor(i / 2) + 1;
      return i % 2 === 0 ? publish(true, i * 1.7, 1, id) : ack("PUBACK", false, i * 1.7, id, "sensor", 1);
    }),
  );

const once = (...topics: string[]) => topics.map((topic) => ({ topic, count: 1 }));

/** A plant with two halls, a leading slash, and three subscribers. */
export const plantTopics: TopicsData = {
  title: "One plant, three subscriptions",
  topics: [
    { topic: "plant/north", count: 1 },
    { topic: "plant/north/boiler/1/temp", count: 12 },
    ...once("plant/north/boiler/1/alarm", "plant/north/pump/4/flow", "plant/south/boiler/2/temp"),
    ...once("plant/south/pump/7/alarm", "/plant/south/boiler/3/temp"),
  ],
  readers: [
    {
      name: "hall north",
      filters: ["plant/north/#"],
      received: [
        { topic: "plant/north/boiler/1/temp", count: 12 },
        ...once("plant/north", "plant/north/boiler/1/alarm", "plant/north/pump/4/flow"),
      ],
    },
    {
      name: "temperatures",
      filters: ["plant/+/boiler/+/temp"],
      received: [{ topic: "plant/north/boiler/1/temp", count: 12 }, ...once("plant/south/boiler/2/temp")],
    },
    {
      name: "alarms",
      filters: ["plant/+/+/+/alarm"],
      received: once("plant/north/boiler/1/alarm", "plant/south/pump/7/alarm"),
    },
  ],
};

/** Thirty acknowledged messages, a queue that holds five, and what came of it. */
export const overflow: Parameters<typeof timelineView>[0] = {
  title: "Thirty acknowledged, five kept",
  lanes: [
    {
      name: "PUBACK to boiler",
      events: Array.from({ length: 30 }, (_, i) => ({ at: i * 1.3, label: "0x00 success", tone: "ok" })),
    },
    {
      name: "dropped",
      events: Array.from({ length: 25 }, (_, i) => ({ at: (i + 5) * 1.3, label: "never delivered", tone: "bad" })),
    },
    { name: "recorder", events: [{ at: 52, label: "back, Session Present 1", tone: "idle" }] },
  ],
  series: [
    {
      name: "queued",
      points: [
        ...Array.from({ length: 5 }, (_, i) => ({ at: i * 1.3, value: i + 1 })),
        ...Array.from({ length: 5 }, (_, i) => ({ at: 53 + i / 2, value: 4 - i })),
      ],
      limit: { value: 5, label: "max_queued_messages 5" },
    },
  ],
};

const QOS = [0, 1, 2];

/** What a message costs at each pair of published and granted QoS. */
export const prices = QOS.flatMap((up) =>
  QOS.map((down) => ({
    "published at": `QoS ${up}`,
    "subscribed at": `QoS ${down}`,
    packets: [1, 2, 4][up]! + [1, 2, 4][Math.min(up, down)]!,
    bytes: 52 + 11 * up + 9 * Math.min(up, down),
    "latency (ms)": 0.41 + 0.37 * up + 0.29 * Math.min(up, down),
  })),
);

/** A queue that drains once and then overflows. */
export const queue = Array.from({ length: 60 }, (_, second) => ({
  second,
  queued: Math.max(0, Math.round(8 * Math.sin(second / 8) + second / 4)),
}));

/** Three clients of different habits; one of them comes late. */
export const rates = Array.from({ length: 12 }, (_, second) => [
  { second, client: "sensor", messages: 10 + second },
  { second, client: "dashboard of the northern hall", messages: 20 - second },
  ...(second > 3 ? [{ second, client: "late", messages: 5 + ((second * 7) % 5) }] : []),
]).flat();

export const totals = [
  { client: "sensor", messages: 1204 },
  { client: "dashboard", messages: 640 },
  { client: "historian", messages: 12 },
  { client: "silent", messages: 0 },
];

export const byQos = ["sensor", "dashboard"].flatMap((client, i) =>
  QOS.map((qos) => ({ client, QoS: `QoS ${qos}`, messages: (qos + 1) * (7 - 3 * i) })),
);

export const hostileRows = HOSTILE.map((topic, i) => ({ topic, messages: i % 2 ? Number.NaN : i + 1 }));
