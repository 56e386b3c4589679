import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { courseRoot } from "../../core/paths";
import { type Lab, openLab } from "../../lab";
import type { LabClient } from "../../mqtt/client";
import type { Tap } from "../../mqtt/tap";
import { lineOf } from "./replay";

/** A story that a real broker plays through a tap. */
type Story = (stage: { lab: Lab; tap: Tap; client: Client }) => Promise<void>;
type Client = (clientId: string, options?: Parameters<Lab["client"]>[1]) => Promise<LabClient>;

const VALUE = "71.5";
const acknowledged = { qos: 1 } as const;

/** One client: connects, keeps a value, gets it, leaves. */
const first: Story = async ({ client }) => {
  const sensor = await client("sensor", { keepalive: 60 });
  await sensor.mqtt.publishAsync("boiler/3/temp", VALUE, { qos: 1, retain: true });
  await sensor.mqtt.subscribeAsync("boiler/+/temp", acknowledged);
  await sensor.next();
  await sensor.mqtt.endAsync();
};

/** One value, three guarantees; a PUBACK that gets lost, the cut that follows, the same message once more, a takeover. */
const guarantees: Story = async ({ tap, client }) => {
  const kept = { clean: false, properties: { sessionExpiryInterval: 300 } };
  const board = await client("dashboard", kept);
  await board.mqtt.subscribeAsync("boiler/+/temp", { qos: 2 });
  const sensor = await client("sensor");
  for (const qos of [0, 1, 2] as const) {
    await sensor.mqtt.publishAsync("boiler/4/temp", VALUE, { qos });
    await board.next();
    await settled(tap, qos);
  }
  tap.drop({ type: "PUBACK", clientId: "dashboard" }, { count: 1 });
  await sensor.mqtt.publishAsync("boiler/4/temp", "72.0", acknowledged);
  await board.next();
  await tap.next((record) => record.fault === "dropped");
  tap.cut(undefined, { client: "dashboard" });
  await board.closed;
  const again = await client("dashboard", kept);
  await again.next();
  await tap.next((record) => record.packet.type === "PUBACK" && record.clientId === "dashboard" && !record.fault);
  const thief = await client("dashboard", { ...kept, reconnectPeriod: 0 });
  await again.closed;
  await thief.mqtt.endAsync();
  await sensor.mqtt.endAsync();
};

/** Waits for the last packet of the delivery to the dashboard. */
async function settled(tap: Tap, qos: 0 | 1 | 2): Promise<void> {
  if (qos) await tap.next({ type: qos === 1 ? "PUBACK" : "PUBCOMP", clientId: "dashboard" });
}

/** Nine deliveries: three guarantees of the publisher, and three of the subscribers. */
const pairs: Story = async ({ tap, client }) => {
  const readers: LabClient[] = [];
  for (const qos of [0, 1, 2] as const) {
    const reader = await client(`reader-${qos}`);
    await reader.mqtt.subscribeAsync("meter/4/power", { qos });
    readers.push(reader);
  }
  const meter = await client("meter");
  for (const qos of [0, 1, 2] as const) {
    for (const reader of readers) {
      const others = readers.filter((one) => one !== reader);
      for (const other of others) await other.mqtt.unsubscribeAsync("meter/4/power");
      const granted = readers.indexOf(reader) as 0 | 1 | 2;
      await reader.mqtt.subscribeAsync("meter/4/power", { qos: granted });
      await meter.mqtt.publishAsync("meter/4/power", `${qos}${granted}`, { qos });
      await reader.next();
      const lower = Math.min(qos, granted);
      if (lower) await tap.next({ type: lower === 1 ? "PUBACK" : "PUBCOMP", clientId: `reader-${granted}` });
    }
  }
};

/** A plant: meters in two halls, three subscribers, more packets than one picture shows. */
const plant: Story = async ({ tap, client }) => {
  const filters = { "hall north": "plant/north/#", temperatures: "plant/+/boiler/+/temp", alarms: "plant/+/+/+/alarm" };
  for (const [name, filter] of Object.entries(filters)) {
    const reader = await client(name);
    await reader.mqtt.subscribeAsync(filter, acknowledged);
  }
  const topics = [
    ...["plant/north/boiler/1/temp", "plant/north/boiler/1/alarm", "plant/north/pump/4/flow", "plant/north"],
    ...["plant/south/boiler/2/temp", "plant/south/pump/7/alarm", "/plant/south/boiler/3/temp"],
  ];
  const meters = [await client("meter north"), await client("meter south")];
  for (let i = 0; i < 40; i++) {
    const topic = topics[(i * i) % topics.length] as string;
    const [meter = meters[0] as LabClient] = topic.includes("south") ? meters.slice(1) : meters;
    await meter.mqtt.publishAsync(topic, String(60 + (i % 9)), acknowledged);
  }
  await tap.next((record) => record.packet.type === "PUBACK" && record.clientId === "meter north");
};

/** What brokers refuse: a filter that is none, a packet that is none, a client that gives no name in MQTT 3.1.1. */
const refusals: Story = async ({ lab, tap, client }) => {
  await client("old-meter", { protocolVersion: 4 });
  const raw = await lab.raw(tap);
  await raw.send({ type: "CONNECT", clientIdentifier: "prober", protocolVersion: 5 });
  await raw.next("CONNACK");
  // PUBLISH with both QoS bits set: QoS 3 does not exist.
  await raw.send("36 07 00 01 74 00 01 00 78");
  await raw.closed;
};

const stories = { first, guarantees, pairs, plant, refusals };
export type StoryName = keyof typeof stories;

const TARGET = join(courseRoot, "kernel-helpers", "src", "tools", "gallery", "recordings.ts");

/** Plays every story against the best engine of this machine, and writes what the taps and the broker's log had. */
export async function recordStories(): Promise<string> {
  const lab = await openLab("gallery");
  try {
    const broker = await lab.broker({ conf: "listener 1883\nallow_anonymous true\nlog_type all" });
    const told: string[] = [];
    for (const [name, story] of Object.entries(stories)) {
      const tap = await lab.tap(broker, { name });
      const clients: LabClient[] = [];
      const client: Client = async (clientId, options) => {
        const made = await lab.client(tap, { clientId, ...options });
        clients.push(made);
        return made;
      };
      await story({ lab, tap, client });
      const lines = tap.packets.map(lineOf);
      for (const one of clients) await one.mqtt.endAsync(true);
      await tap.close();
      told.push(`export const ${name} = \`\n${lines.join("\n")}\n\`;`);
    }
    const log = broker.logs.lines.slice(0, 60).map((line) => line.text);
    const head =
      "/** What taps in front of a real Mosquitto saw, and its log: written by `npm run gallery -- --record`. */\n\n";
    writeFileSync(
      TARGET,
      `${head}${told.join("\n\n")}\n\nexport const log: readonly string[] = ${JSON.stringify(log, null, 2)};\n`,
    );
    return TARGET;
  } finally {
    await lab.close();
  }
}
