/** TLS on the embedded broker beside a native one, in one run: starts, handshakes, round trips, messages. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { WorkerPool } from "../../brokers/embedded/node/pool";
import { tlsIsBuilt } from "../../brokers/embedded/tls-build";
import { type Certificate, openAuthority } from "../../certs/authority";
import { openClient } from "../../mqtt/client";
import type { Row } from "./row";
import { connectTo, HOST, median, startEmbedded, startNative, type Target, type TlsFiles } from "./targets/brokers";

const FILES: TlsFiles = { certificate: "server.crt", key: "server.key" };
/** The bench's own certificates are not what is measured. */
const TRUSTING = { rejectUnauthorized: false };
const WARM_STARTS = 20;
const HANDSHAKES = 40;
const TRIPS = 300;
const MESSAGES = 4_000;

async function connackAfter(begin: number, url: string): Promise<number> {
  const client = await connectTo(url, TRUSTING);
  const ms = performance.now() - begin;
  await client.endAsync();
  return ms;
}

/** In a new process, its modules loaded: from asking for a broker to CONNACK, compilation and a worker's start included. */
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
  // MQTT.js and Node's TLS are loaded at their first use, which is not the broker's matter.
  await openClient(`mqtts://${HOST}:1`, { connectTimeout: 50, reconnectPeriod: 0 }).catch(() => undefined);
  const began = performance.now();
  const target = await startEmbedded(new WorkerPool(), folder, FILES);
  const ms = await connackAfter(began, target.url);
  await target.stop();
  return ms;
}

/** Milliseconds of a full handshake, TCP's own included. */
async function handshake(url: string, version: "TLSv1.2" | "TLSv1.3"): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < HANDSHAKES; i++) {
    const began = performance.now();
    const socket: TLSSocket = connect({
      ...{ host: HOST, port: Number(new URL(url).port), minVersion: version, maxVersion: version },
      ...TRUSTING,
    });
    await new Promise<void>((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    times.push(performance.now() - began);
    socket.destroy();
  }
  return median(times);
}

/** Milliseconds from a publication at QoS 1 to its acknowledgement. */
async function roundTrip(url: string): Promise<number> {
  const client = await connectTo(url, TRUSTING);
  const times: number[] = [];
  for (let i = 0; i < TRIPS; i++) {
    const began = performance.now();
    await client.publishAsync("trip", "1", { qos: 1 });
    times.push(performance.now() - began);
  }
  await client.endAsync();
  return median(times);
}

/** Messages a second at QoS 1, from one client to another, a hundred on their way. */
async function throughput(url: string): Promise<number> {
  const [reader, writer] = [await connectTo(url, TRUSTING), await connectTo(url, TRUSTING)];
  await reader.subscribeAsync("bench", { qos: 1 });
  let received = 0;
  const all = new Promise<void>((resolve) =>
    reader.on("message", () => {
      if (++received === MESSAGES) resolve();
    }),
  );
  const payload = Buffer.alloc(100, 1);
  const began = performance.now();
  for (let sent = 0; sent < MESSAGES; sent += 100) {
    await Promise.all(Array.from({ length: 100 }, () => writer.publishAsync("bench", payload, { qos: 1 })));
  }
  await all;
  const rate = (MESSAGES / (performance.now() - began)) * 1_000;
  await Promise.all([reader.endAsync(), writer.endAsync()]);
  return rate;
}

async function startRows(folder: string): Promise<Row[]> {
  const cold: number[] = [];
  for (let i = 0; i < 3; i++) cold.push(await coldStart(folder));
  const pool = new WorkerPool();
  await (await startEmbedded(pool, folder, FILES)).stop();
  const warm: number[] = [];
  for (let i = 0; i < WARM_STARTS; i++) {
    const began = performance.now();
    const target = await startEmbedded(pool, folder, FILES);
    warm.push(await connackAfter(began, target.url));
    await target.stop();
  }
  return [
    { name: "embedded with TLS: first start to CONNACK", value: median(cold), unit: "ms" },
    { name: "embedded with TLS: later start to CONNACK", value: median(warm), unit: "ms" },
  ];
}

async function rowsOf(name: string, { url }: Target): Promise<Row[]> {
  return [
    { name: `${name}: handshake, TLS 1.3, RSA 2048`, value: await handshake(url, "TLSv1.3"), unit: "ms" },
    { name: `${name}: handshake, TLS 1.2, RSA 2048`, value: await handshake(url, "TLSv1.2"), unit: "ms" },
    { name: `${name}: round trip over TLS, QoS 1`, value: await roundTrip(url), unit: "ms" },
    { name: `${name}: messages a second over TLS, QoS 1, 100 B`, value: await throughput(url), unit: "/s" },
  ];
}

/** Needs the embedded broker with TLS; the comparison needs a mosquitto on the PATH. */
export async function benchEmbeddedTls(): Promise<Row[]> {
  if (!tlsIsBuilt()) throw new Error("the embedded broker with TLS is not built: npm run embedded -- --tls");
  const folder = mkdtempSync(join(tmpdir(), "bench-embedded-tls-"));
  try {
    const { chain, key }: Certificate = await (await openAuthority("bench", "memory")).server("localhost");
    writeFileSync(join(folder, FILES.certificate), chain);
    writeFileSync(join(folder, FILES.key), key, { mode: 0o600 });
    const rows = await startRows(folder);
    const embedded = await startEmbedded(new WorkerPool(), folder, FILES);
    rows.push(...(await rowsOf("embedded", embedded).finally(() => embedded.stop())));
    const native = await startNative(folder, FILES);
    if (native) rows.push(...(await rowsOf(`native ${native.version}`, native).finally(() => native.stop())));
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
