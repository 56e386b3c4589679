/** Brokers for the bench without an engine around them: an embedded one of a pool, and a native one of this machine. */
import { execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PublishedPort } from "../../../brokers/embedded/node/messages";
import { programModule, readManifest } from "../../../brokers/embedded/node/modules";
import type { Run, WorkerPool } from "../../../brokers/embedded/node/pool";
import { tlsFolder } from "../../../brokers/embedded/tls-build";
import { freePort } from "../../../brokers/ports";
import { answers } from "../../../brokers/probe";
import { type LabClient, type LabClientOptions, openClient } from "../../../mqtt/client";

export const HOST = "127.0.0.1";
const CONF = "allow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 100\nlog_type error\n";

export interface Target {
  readonly url: string;
  readonly version: string;
  stop(): Promise<void>;
}

/** The files of a listener with TLS: names in the brokers' folder. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

const listener = (place: string, folder: string, tls?: TlsFiles): string =>
  `listener ${place}\n${tls ? `certfile ${folder}/${tls.certificate}\nkeyfile ${folder}/${tls.key}\n` : ""}${CONF}`;

export const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

export async function connectTo(url: string, options: LabClientOptions = {}): Promise<LabClient["mqtt"]> {
  const { mqtt: client } = await openClient(url, { properties: { receiveMaximum: 100 }, ...options });
  (client.stream as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true);
  return client;
}

/** A broker of a pool. `folder` is its root. */
export async function startEmbedded(pool: WorkerPool, folder: string, tls?: TlsFiles): Promise<Target & { run: Run }> {
  pool.warm();
  const module = await programModule("mosquitto", tls ? tlsFolder() : undefined);
  const port: PublishedPort = { port: 1883, host: HOST, hostPort: await freePort(HOST) };
  writeFileSync(join(folder, "m.conf"), listener("1883", "", tls));
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const start = {
    args: ["-c", "/m.conf"],
    env: {},
    mounts: [{ at: "/", folder }],
    ports: [port],
    neighbours: {},
    cut: [],
    module,
  };
  const run = await new Promise<Run>((resolve, reject) => {
    const begun: Run = pool.run(
      { start },
      { lines() {}, started: () => resolve(begun), refused: ({ message }) => reject(new Error(message)), ended: end },
    );
  });
  const stop = async () => {
    run.send({ op: "signal", id: run.id, name: "SIGTERM" });
    await ended;
  };
  const url = `${tls ? "mqtts" : "mqtt"}://${HOST}:${port.hostPort}`;
  return { url, version: readManifest().mosquitto, stop, run };
}

/** A mosquitto of this machine's own, or null. */
export async function startNative(folder: string, tls?: TlsFiles): Promise<Target | null> {
  const port = await freePort(HOST);
  const conf = join(folder, "native.conf");
  // The embedded broker's sockets have no Nagle delay; with it a native one can stall 40 ms on QoS 2.
  const more = `set_tcp_nodelay true\n${process.getuid?.() === 0 ? "user root\n" : ""}`;
  writeFileSync(conf, `${listener(`${port} ${HOST}`, folder, tls)}${more}`);
  const program = process.env.MQTT_LAB_MOSQUITTO ?? "mosquitto";
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` };
  let version: string;
  try {
    version = /version (\S+)/.exec(execFileSync(program, ["-h"], { env, encoding: "utf8" }))?.[1] ?? "?";
  } catch (error) {
    const { code, stdout } = error as { code?: string; stdout?: string };
    if (code === "ENOENT") return null;
    version = /version (\S+)/.exec(stdout ?? "")?.[1] ?? "?"; // -h ends with 3 in some releases
  }
  const child = spawn(program, ["-c", conf], { stdio: "ignore", env });
  const stop = () =>
    new Promise<void>((resolve) => {
      child.once("exit", () => resolve());
      child.kill();
    });
  // It takes a moment to listen.
  const asked = { host: HOST, hostPort: port, protocol: "mqtt", tls: Boolean(tls) } as const;
  await answers(asked, AbortSignal.timeout(5_000));
  return { url: `${tls ? "mqtts" : "mqtt"}://${HOST}:${port}`, version, stop };
}
