/** What a tap costs: direct, through a proxy that decodes nothing, and through the tap, side by side in one run. */
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { freePort, returnPort } from "../../brokers/ports";
import { answers } from "../../brokers/probe";
import { openClient } from "../../mqtt/client";
import { openTap } from "../../mqtt/tap";
import type { Row } from "./row";

const HOST = "127.0.0.1";
const ROUNDS = 5;
const MESSAGES = 40_000;
const TRIPS = 1_000;
/** Of the direct throughput at QoS 0, as time a message: 0.8 of it and no less. */
const TIME_AIM = 1 / 0.8;

/** Needs a mosquitto on the PATH. */
export async function benchTap(): Promise<Row[]> {
  const broker = await startBroker();
  try {
    const proxy = await startProxy(broker.port);
    const tap = await openTap({ host: HOST, port: broker.port });
    const armed = await openTap({ host: HOST, port: broker.port });
    armed.drop("AUTH");
    const ways = [
      { name: "direct", url: broker.url },
      { name: "proxy that decodes nothing", url: proxy.url },
      { name: "tap", url: tap.url },
      { name: "tap, a fault armed", url: armed.url },
    ];
    try {
      return await measure(ways, () => {
        tap.clear();
        armed.clear();
      });
    } finally {
      await tap.close();
      await armed.close();
      proxy.stop();
    }
  } finally {
    await broker.stop();
  }
}

async function measure(ways: readonly { name: string; url: string }[], clear: () => void): Promise<Row[]> {
  const flows = ways.map(() => Number.POSITIVE_INFINITY);
  const trips = ways.map(() => [] as number[]);
  // In turns, and the best of each: what else the machine does meets all.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, { url }] of ways.entries()) {
      flows[at] = Math.min(flows[at]!, await perMessage(url));
      trips[at]!.push(await roundTrip(url));
      clear();
    }
  }
  const best = trips.map((times) => Math.min(...times));
  return ways.flatMap(({ name }, at) => {
    const ratio = { name: `time a message, ${name} / direct, QoS 0`, value: flows[at]! / flows[0]!, unit: "×" };
    return [
      { name: `${name}: QoS 0, 100 B`, value: 1e6 / flows[at]!, unit: "/s" },
      { name: `${name}: QoS 1 round trip`, value: best[at]!, unit: "ms" },
      ...(at === 0 ? [] : [name === "tap" ? { ...ratio, aim: TIME_AIM } : ratio]),
    ];
  });
}

/** Microseconds a message from one client to another, both in a process thread of their own, as with a real device. */
function perMessage(url: string): Promise<number> {
  const worker = new Worker(__filename, { workerData: { url } });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

async function roundTrip(url: string): Promise<number> {
  const { mqtt: client } = await openClient(url);
  (client.stream as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true);
  const times: number[] = [];
  for (let trip = 0; trip < TRIPS; trip++) {
    const began = performance.now();
    await client.publishAsync("trip", "1", { qos: 1 });
    times.push(performance.now() - began);
  }
  await client.endAsync();
  return times.sort((a, b) => a - b)[TRIPS >> 1] ?? Number.NaN;
}

async function startProxy(to: number): Promise<{ url: string; stop(): void }> {
  const server = createServer((client) => {
    const broker = connect({ host: HOST, port: to, noDelay: true });
    client.setNoDelay(true);
    client.pipe(broker).pipe(client);
    for (const socket of [client, broker]) {
      // The measurement itself fails when a connection does.
      socket.on("error", () => {
        client.destroy();
        broker.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return { url: `mqtt://${HOST}:${(server.address() as AddressInfo).port}`, stop: () => void server.close() };
}

async function startBroker(): Promise<{ port: number; url: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "bench-tap-"));
  chmodSync(folder, 0o755);
  const port = await freePort(HOST);
  const conf = join(folder, "mosquitto.conf");
  writeFileSync(
    conf,
    `listener ${port} ${HOST}\nallow_anonymous true\nlog_type error\nmax_queued_messages 0\nset_tcp_nodelay true\n`,
  );
  const PATH = [process.env.PATH, "/usr/sbin", "/usr/local/sbin"].join(delimiter);
  const child = spawn(process.env.MQTT_LAB_MOSQUITTO ?? "mosquitto", ["-c", conf], {
    stdio: "ignore",
    env: { ...process.env, PATH },
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()).once("error", () => resolve()));
  const stop = async () => {
    child.kill();
    await ended;
    returnPort(port);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await answers({ protocol: "mqtt", tls: false, host: HOST, hostPort: port }, AbortSignal.timeout(5_000));
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, url: `mqtt://${HOST}:${port}`, stop };
}

/** In the worker: as many as the reader keeps up with, 500 on their way. */
async function flow(url: string): Promise<number> {
  const [{ mqtt: reader }, { mqtt: writer }] = [await openClient(url), await openClient(url)];
  await reader.subscribeAsync("flow", { qos: 0 });
  const payload = Buffer.alloc(100, 1);
  const began = performance.now();
  await new Promise<void>((resolve) => {
    let sent = 0;
    let came = 0;
    const pump = () => {
      for (; sent < MESSAGES && sent - came < 500; sent++) writer.publish("flow", payload, { qos: 0 });
    };
    reader.on("message", () => {
      if (++came === MESSAGES) resolve();
      else if (sent - came < 250) pump();
    });
    pump();
  });
  const took = performance.now() - began;
  await Promise.all([reader.endAsync(), writer.endAsync()]);
  return (took / MESSAGES) * 1_000;
}

if (!isMainThread) {
  void flow((workerData as { url: string }).url).then((us) => parentPort?.postMessage(us));
}
