/** The embedded broker beside a native one, in one run: starts, messages, round trips, memory. */

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embeddedEngine } from "../../brokers/embedded";
import { WorkerPool } from "../../brokers/embedded/node/pool";
import { openClient } from "../../mqtt/client";
import type { Row } from "./row";
import { connectTo, HOST, median, startEmbedded, startNative, type Target } from "./targets/brokers";

const WARM_STARTS = 20;
const MIB = 1 << 20;
/** An aim of 0.9 of native's messages a second, as time per message. */
const NATIVE_AIM = 1 / 0.9;

async function connackAfter(begin: number, url: string): Promise<number> {
  const client = await connectTo(url);
  const ms = performance.now() - begin;
  await client.endAsync();
  return ms;
}

/** In a new process, its modules loaded: from asking for a broker to CONNACK, the compilation and a worker's start included. */
function coldStart(folder: string): Promise<number> {
  const script = `require(${JSON.stringify(__filename)}).coldStartHere(${JSON.stringify(folder)}).then((ms) => {
    process.stdout.write(String(ms), () => process.exit());
  });`;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ["-e", script], (error, stdout) => (error ? reject(error) : resolve(Number(stdout))));
  });
}

/** @internal Runs in a process that has started no broker yet. */
export async function coldStartHere(folder: string): Promise<number> {
  // MQTT.js is loaded at its first use, which is not the broker's matter.
  await openClient(`mqtt://${HOST}:1`, { connectTimeout: 50, reconnectPeriod: 0 }).catch(() => undefined);
  const began = performance.now();
  const target = await startEmbedded(new WorkerPool(), folder);
  const ms = await connackAfter(began, target.url);
  await target.stop();
  return ms;
}

interface Load {
  readonly name: string;
  readonly qos: 0 | 1 | 2;
  readonly count: number;
  readonly size: number;
}

const LOADS: readonly Load[] = [
  { name: "QoS 0, 100 B", qos: 0, count: 40_000, size: 100 },
  { name: "QoS 1, 100 B", qos: 1, count: 15_000, size: 100 },
  { name: "QoS 2, 100 B", qos: 2, count: 8_000, size: 100 },
  { name: "QoS 0, 10 kB", qos: 0, count: 8_000, size: 10_240 },
];

/** Microseconds a message, from one client to another, with up to 100 on their way. */
async function perMessage(url: string, { qos, count, size }: Load): Promise<number> {
  const [reader, writer] = [await connectTo(url), await connectTo(url)];
  await reader.subscribeAsync("bench", { qos });
  let received = 0;
  const all = new Promise<void>((resolve) =>
    reader.on("message", () => {
      if (++received === count) resolve();
    }),
  );
  const payload = Buffer.alloc(size, 1);
  const began = performance.now();
  let sent = 0;
  let acked = 0;
  const pump = () => {
    while (sent < count && sent - acked < 100) {
      sent++;
      writer.publish("bench", payload, { qos }, () => {
        acked++;
        if (sent - acked < 50) pump();
      });
    }
  };
  pump();
  await all;
  const us = ((performance.now() - began) / count) * 1_000;
  await Promise.all([reader.endAsync(), writer.endAsync()]);
  return us;
}

async function roundTrip(url: string): Promise<number> {
  const client = await connectTo(url);
  await client.subscribeAsync("trip");
  const times: number[] = [];
  for (let i = 0; i < 500; i++) {
    const began = performance.now();
    const back = new Promise<void>((resolve) => client.once("message", () => resolve()));
    client.publish("trip", "1");
    await back;
    times.push(performance.now() - began);
  }
  await client.endAsync();
  return median(times);
}

/** Resident memory that a broker adds, over ten of them. */
async function memoryOf(ownWorkers: number, folder: string): Promise<number> {
  const pool = new WorkerPool(ownWorkers);
  const first = await startEmbedded(pool, folder);
  const before = process.memoryUsage().rss;
  const more: Target[] = [];
  for (let i = 0; i < 10; i++) more.push(await startEmbedded(pool, folder));
  const each = (process.memoryUsage().rss - before) / 10 / MIB;
  for (const target of [first, ...more]) await target.stop();
  return each;
}

async function startRows(folder: string): Promise<Row[]> {
  const cold: number[] = [];
  for (let i = 0; i < 3; i++) cold.push(await coldStart(folder));
  const pool = new WorkerPool();
  await (await startEmbedded(pool, folder)).stop();
  const warm: number[] = [];
  for (let i = 0; i < WARM_STARTS; i++) {
    const began = performance.now();
    const target = await startEmbedded(pool, folder);
    warm.push(await connackAfter(began, target.url));
    await target.stop();
  }
  return [
    { name: "embedded: first start to CONNACK", value: median(cold), unit: "ms", aim: 100 },
    { name: "embedded: later start to CONNACK", value: median(warm), unit: "ms", aim: 10 },
  ];
}

async function loadRows(folder: string): Promise<Row[]> {
  const rows: Row[] = [];
  const embedded = await startEmbedded(new WorkerPool(), folder);
  const native = await startNative(folder);
  try {
    for (const load of LOADS) {
      // Turn by turn, and the best of three: what else the machine does then meets both.
      const [ours, theirs]: [number[], number[]] = [[], []];
      for (let i = 0; i < 3; i++) {
        ours.push(await perMessage(embedded.url, load));
        if (native) theirs.push(await perMessage(native.url, load));
      }
      const best = Math.min(...ours);
      rows.push({ name: `embedded: messages a second, ${load.name}`, value: 1e6 / best, unit: "/s" });
      if (!native) continue;
      const other = Math.min(...theirs);
      rows.push({ name: `native ${native.version}: messages a second, ${load.name}`, value: 1e6 / other, unit: "/s" });
      rows.push({
        name: `time a message, embedded / native ${native.version}, ${load.name}`,
        value: best / other,
        unit: "×",
        aim: NATIVE_AIM,
      });
    }
    rows.push({ name: "embedded: round trip, QoS 0", value: await roundTrip(embedded.url), unit: "ms" });
    if (native)
      rows.push({
        name: `native ${native.version}: round trip, QoS 0`,
        value: await roundTrip(native.url),
        unit: "ms",
      });
  } finally {
    await embedded.stop();
    await native?.stop();
  }
  return rows;
}

/** Needs a built embedded broker; the comparison needs a mosquitto on the PATH. */
export async function benchEmbedded(): Promise<Row[]> {
  const { available, summary } = await embeddedEngine().probe();
  if (!available) throw new Error(summary);
  const folder = mkdtempSync(join(tmpdir(), "bench-embedded-"));
  try {
    const rows = await startRows(folder);
    rows.push(...(await loadRows(folder)));
    rows.push({
      name: "embedded: memory a broker, own worker",
      value: await memoryOf(20, folder),
      unit: "MiB",
      aim: 12,
    });
    rows.push({
      name: "embedded: memory a broker, shared worker",
      value: await memoryOf(1, folder),
      unit: "MiB",
      aim: 4,
    });
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
