/** How long a broker takes until its first CONNACK, by our engines and by the bare means of the machine, side by side. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Engine } from "../../brokers/engine";
import { planBroker } from "../../brokers/plan";
import { canListen, freePort, returnPort } from "../../brokers/ports";
import { answers } from "../../brokers/probe";
import { selectEngine } from "../../brokers/select";
import { pack } from "../../brokers/tar";
import { LabError } from "../../core/errors";
import { openScope } from "../../kernel/watch";
import type { Row } from "./row";

const CONF = "listener 1883\nallow_anonymous true\n";
const ROUNDS = 9;

/** The figures of every engine that is here; an engine that isn't has none. */
export async function benchBrokers(): Promise<Row[]> {
  const figures: Row[] = [];
  for (const kind of ["docker", "local"] as const) {
    const chosen = await selectEngine({ wanted: kind }).catch((error: unknown) => {
      if (error instanceof LabError) return null;
      throw error;
    });
    if (!chosen) continue;
    figures.push(...(await benchEngine(chosen.engine, chosen.probe.summary)));
    figures.push({
      name: `${kind}: all gone after SIGKILL of the kernel`,
      value: await goneAfter(kind),
      unit: "ms",
      aim: 2_000,
    });
  }
  return figures;
}

async function benchEngine(engine: Engine, summary: string): Promise<Row[]> {
  const raw = engine.kind === "docker" ? await rawDocker(summary) : rawProcess(summary);
  const [ours, bare]: [number[], number[]] = [[], []];
  const scope = await openScope("bench");
  try {
    // One of each first: images, modules and the watcher are there from then on.
    for (let round = -1; round < ROUNDS; round++) {
      const [mine, theirs] = [await startOurs(engine, scope), await raw.start()];
      if (round < 0) continue;
      ours.push(mine);
      bare.push(theirs);
    }
  } finally {
    await raw.end();
    await scope.close();
  }
  const [value, bareValue] = [median(ours), median(bare)];
  const ratio = { name: `${engine.kind}: ready, against the raw way`, value: round(value / bareValue, 2), unit: "×" };
  return [
    { name: `${engine.kind}: start to CONNACK`, value, unit: "ms", ...(engine.kind === "local" ? { aim: 25 } : {}) },
    { name: `${engine.kind}: the raw way to CONNACK`, value: bareValue, unit: "ms" },
    engine.kind === "docker" ? { ...ratio, aim: 1.1 } : ratio,
  ];
}

async function startOurs(engine: Engine, scope: Parameters<Engine["start"]>[1]): Promise<number> {
  const began = performance.now();
  const broker = await engine.start(planBroker("bench", { conf: CONF }), scope);
  const took = performance.now() - began;
  await broker.remove();
  return took;
}

interface Raw {
  start(): Promise<number>;
  end(): Promise<void>;
}

const connack = (hostPort: number) =>
  answers({ protocol: "mqtt", tls: false, host: "127.0.0.1", hostPort }, AbortSignal.timeout(20_000));

/** The same calls with nothing around them: create, connect to a network, copy the configuration, start. */
async function rawDocker(summary: string): Promise<Raw> {
  const socketPath = / at unix:\/\/(.+)$/.exec(summary)?.[1];
  if (!socketPath)
    throw new LabError("ENGINE_CANNOT", "the bench speaks to engines at a socket only", "unset DOCKER_HOST");
  const api = (method: string, path: string, body?: unknown) => dockerApi(socketPath, method, path, body);
  const network = `mqtt-notebooks-bench-raw-${process.pid}`;
  await api("POST", "/networks/create", { Name: network });
  return {
    async start() {
      const port = await freePort("127.0.0.1");
      const began = performance.now();
      const { Id } = (await api("POST", "/containers/create", {
        Image: "mqtt-notebooks/mosquitto:2.1",
        Cmd: ["/usr/sbin/mosquitto", "-c", "/mosquitto/config/mosquitto.conf"],
        ExposedPorts: { "1883/tcp": {} },
        HostConfig: {
          NetworkMode: "bridge",
          PortBindings: { "1883/tcp": [{ HostIp: "127.0.0.1", HostPort: String(port) }] },
        },
      })) as { Id: string };
      try {
        await api("POST", `/networks/${network}/connect`, { Container: Id, EndpointConfig: { Aliases: ["broker"] } });
        const file = { path: "mosquitto/config/mosquitto.conf", content: new TextEncoder().encode(CONF), mode: 0o644 };
        await api("PUT", `/containers/${Id}/archive?path=/`, pack([file], { uid: 1883, gid: 1883 }));
        await api("POST", `/containers/${Id}/start`);
        await connack(port);
        return performance.now() - began;
      } finally {
        await api("DELETE", `/containers/${Id}?force=1&v=1`);
        returnPort(port);
      }
    },
    end: async () => void (await api("DELETE", `/networks/${network}`)),
  };
}

function dockerApi(socketPath: string, method: string, path: string, body?: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const bytes = body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const type = Buffer.isBuffer(body) ? "application/x-tar" : "application/json";
    const headers = { "content-type": type, "content-length": bytes?.length ?? 0 };
    const sent = request({ socketPath, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        if ((response.statusCode ?? 500) >= 300) reject(new Error(`${method} ${path}: ${text}`));
        else resolve(text.startsWith("{") ? JSON.parse(text) : null);
      });
    });
    sent.on("error", reject);
    sent.end(bytes);
  });
}

function rawProcess(summary: string): Raw {
  const program = / at (.+)$/.exec(summary)![1]!;
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  return {
    async start() {
      const port = await freePort("127.0.0.1");
      const conf = join(folder, "mosquitto.conf");
      const began = performance.now();
      writeFileSync(conf, CONF.replace("1883", `${port} 127.0.0.1`));
      const child = spawn(program, ["-c", conf], { stdio: "ignore" });
      try {
        await connack(port);
        return performance.now() - began;
      } finally {
        const ended = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGKILL");
        await ended;
        returnPort(port);
      }
    },
    end: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** From SIGKILL of a process with two brokers until neither answers on its port any more, and its folder is gone. */
async function goneAfter(kind: string): Promise<number> {
  const script = `
    const { planBroker } = require("./brokers/plan"), { openScope } = require("./kernel/watch"), { selectEngine } = require("./brokers/select");
    (async () => {
      const [{ engine }, scope] = await Promise.all([selectEngine({ wanted: ${JSON.stringify(kind)} }), openScope("bench")]);
      const start = (name) => engine.start(planBroker("bench", { name, conf: ${JSON.stringify(CONF)} }), scope);
      const brokers = await Promise.all(["a", "b"].map(start));
      console.log(JSON.stringify({ ports: brokers.map((one) => one.listeners[0].hostPort), folder: scope.folder }));
      setInterval(() => {}, 60000);
    })();`;
  const child = spawn(process.execPath, ["-e", script], {
    cwd: join(__dirname, "..", ".."),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    child.once("exit", () => reject(new Error("the process with the brokers ended early")));
  });
  const { ports, folder } = JSON.parse(line) as { ports: number[]; folder: string };
  const began = performance.now();
  child.kill("SIGKILL");
  for (const port of ports)
    while (!(await canListen("127.0.0.1", port))) await new Promise((resolve) => setTimeout(resolve, 5));
  while (existsSync(folder)) await new Promise((resolve) => setTimeout(resolve, 5));
  return round(performance.now() - began, 0);
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return round(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN, 1);
}
