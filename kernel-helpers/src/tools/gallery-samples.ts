import type { ChartRow } from "../views/chart";
import type { PacketRecord } from "../views/record";
import type { timelineView } from "../views/timeline";
import type { TopicsData } from "../views/topics";
import { first, guarantees, pairs, plant, refusals } from "./gallery/recordings";
import { replay } from "./gallery/replay";

/**
 * What the gallery shows and tests draw: recordings of a real broker, and by hand what no broker would do: strangers' text,
 * hundreds of packets.
 */

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

/** A client connects, publishes one retained value at QoS 1, gets it, and leaves. */
export const firstPackets: PacketRecord[] = replay(first);

/** A sensor, a dashboard that subscribed, QoS 0, 1 and 2, a lost PUBACK, the DUP that follows, a takeover. */
export const deliveries: PacketRecord[] = replay(guarantees);

/** What a broker refuses, and a client of the older version. */
export const refused: PacketRecord[] = replay(refusals);

/** Two meters, three subscribers, more packets than one picture shows. */
export const plantPackets: PacketRecord[] = replay(plant);

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

const field = ({ packet }: PacketRecord, name: string): unknown => (packet as Record<string, unknown>)[name];
const isPublish = (record: PacketRecord) => record.packet.type === "PUBLISH";

/** What a message costs at each pair of published and granted QoS: its payload says which pair it was. */
export const prices: ChartRow[] = costs(replay(pairs));

function costs(all: readonly PacketRecord[]): ChartRow[] {
  const saysIt = (record: PacketRecord) => new TextDecoder().decode(field(record, "payload") as Uint8Array);
  const sent = all.filter((record) => isPublish(record) && record.direction === "to-broker");
  return sent.map((message, i) => {
    const [up = "", down = ""] = saysIt(message);
    const until = sent[i + 1]?.number ?? Number.POSITIVE_INFINITY;
    const own = all.filter(
      (record) =>
        record.number >= message.number && record.number < until && /^PUB/.test(record.packet.type) && !record.fault,
    );
    const arrived = own.find((record) => isPublish(record) && record.direction === "to-client");
    return {
      "published at": `QoS ${up}`,
      "subscribed at": `QoS ${down}`,
      packets: own.length,
      bytes: own.reduce((sum, record) => sum + (record.length ?? 0), 0),
      "latency (ms)": arrived ? arrived.at - message.at : null,
    };
  });
}

/** Bytes of the plant's packets so far. */
export const traffic: ChartRow[] = summed(
  plantPackets,
  () => "",
  (record) => record.length ?? 0,
).map(({ ms, value }) => ({ ms, "bytes so far": value }));

/** Messages of each client so far, sent and received. */
export const rates: ChartRow[] = summed(
  plantPackets.filter(isPublish),
  (record) => record.clientId ?? "",
  () => 1,
).map(({ ms, name, value }) => ({ ms, client: name, messages: value }));

function summed(
  all: readonly PacketRecord[],
  nameOf: (record: PacketRecord) => string,
  of: (record: PacketRecord) => number,
) {
  const sums = new Map<string, number>();
  const start = all[0]?.at ?? 0;
  return all.map((record) => {
    const name = nameOf(record);
    const value = (sums.get(name) ?? 0) + of(record);
    sums.set(name, value);
    return { ms: Math.round((record.at - start) * 10) / 10, name, value };
  });
}

/** Messages of each client, sent and received. */
export const totals: ChartRow[] = [...new Set(rates.map((row) => row.client ?? ""))].map((client) => ({
  client,
  messages: rates.filter((row) => row.client === client).length,
}));

/** Packets of each type, by direction. */
export const types: ChartRow[] = [...new Set(deliveries.map((record) => record.packet.type))].flatMap((type) =>
  (["to-broker", "to-client"] as const).map((direction) => ({
    type,
    direction: direction.replace("-", " "),
    packets: deliveries.filter((record) => record.packet.type === type && record.direction === direction).length,
  })),
);

/** Who sent what when, and how many messages waited for their acknowledgement. */
export const inFlight: Parameters<typeof timelineView>[0] = flight(deliveries);

function flight(all: readonly PacketRecord[]): Parameters<typeof timelineView>[0] {
  const start = all[0]?.at ?? 0;
  const at = (record: PacketRecord) => record.at - start;
  const names = [...new Set(all.map((record) => record.clientId ?? ""))];
  let open = 0;
  const points = all.flatMap((record) => {
    const { type } = record.packet;
    if (type === "PUBLISH" && field(record, "qos")) open++;
    else if ((type === "PUBACK" || type === "PUBCOMP") && !record.fault) open--;
    else return [];
    return [{ at: at(record), value: open }];
  });
  return {
    title: "Three guarantees over time",
    lanes: names.map((name) => ({
      name,
      events: all
        .filter((record) => record.clientId === name)
        .map((record) => ({
          at: at(record),
          label: record.fault ? `${record.packet.type} ${record.fault}` : record.packet.type,
          tone: record.fault ? ("bad" as const) : isPublish(record) ? ("ok" as const) : ("idle" as const),
        })),
    })),
    series: [{ name: "in flight", points, limit: { value: 2, label: "two at once" } }],
  };
}

export const hostileRows = HOSTILE.map((topic, i) => ({ topic, messages: i % 2 ? Number.NaN : i + 1 }));
