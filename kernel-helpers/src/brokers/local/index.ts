/** The engine that runs brokers as processes of this machine, with the Mosquitto that is installed. */
import { mkdirSync, writeFileSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { orDiskFull } from "../../core/disk-full";
import { LabError } from "../../core/errors";
import { cachePath } from "../../core/paths";
import type { Scope } from "../../core/scope";
import type {
  Engine,
  EngineBroker,
  EngineProbe,
  EngineService,
  ExecOptions,
  Link,
  Listener,
  Progress,
  ServicePlan,
  Sweep,
  ToolPlan,
  ToolResult,
} from "../engine";
import { listenerUrl } from "../listener-url";
import { type BrokerPlan, checkedName, type Need } from "../plan";
import { canListen, freePort, HostPortTaken, returnPort } from "../ports";
import { sweepFolders } from "../sweep";
import { LocalBroker } from "./broker";
import { type LocalMosquitto, localMosquitto } from "./machine";
import { run } from "./run";
import { namedPeers, type Place, toRealPaths } from "./translate";

const HOST = "127.0.0.1";
const PORT_TRIES = 5;

class LocalEngine implements Engine {
  readonly kind = "local";
  /** Real ports by "name:port", for each lab: a bridge may name a broker that is started later. */
  #ports = new WeakMap<Scope, Map<string, number>>();
  #count = 0;

  async probe(): Promise<EngineProbe> {
    try {
      const found = await localMosquitto();
      const summary = `Mosquitto ${found.version} at ${found.path}`;
      return { kind: "local", available: true, summary, mosquitto: [found.version], can: abilities(found) };
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      return { kind: "local", available: false, summary: error.message, mosquitto: [], can: new Set(), reason: error };
    }
  }

  async start(plan: BrokerPlan, scope: Scope, _progress?: Progress): Promise<EngineBroker> {
    if (scope.closed) throw new LabError("NOT_IN_A_LAB", "this lab is closed", "open the lab again");
    const mosquitto = await localMosquitto();
    checkRelease(plan, mosquitto);
    for (let tries = 1; ; tries++) {
      const listeners = await this.#listeners(plan, scope);
      const place = await this.#place(plan, scope, mosquitto, listeners);
      const broker = new LocalBroker(plan, scope, mosquitto, place, listeners);
      try {
        broker.prepare(plan.volume === null ? null : volumeFolder(plan.lab, plan.volume));
        await broker.start();
        return broker;
      } catch (error) {
        await broker.remove();
        if (!(error instanceof HostPortTaken) || tries === PORT_TRIES) throw orDiskFull(error, scope.folder);
        for (const { port, hostPort } of listeners) {
          if (!(await canListen(HOST, hostPort))) this.#ports.get(scope)?.delete(`${plan.name}:${port}`);
        }
      }
    }
  }

  async #listeners(plan: BrokerPlan, scope: Scope): Promise<Listener[]> {
    const listeners: Listener[] = [];
    for (const { port, protocol, tls } of plan.listeners) {
      const hostPort = await this.#port(scope, `${plan.name}:${port}`);
      const listener = { port, protocol, tls, host: HOST, hostPort };
      listeners.push({ ...listener, url: listenerUrl(listener) });
    }
    return listeners;
  }

  /** The same broker of a lab has the same real port, also before it is started and when it is replaced. */
  async #port(scope: Scope, key: string): Promise<number> {
    const known = this.#ports.get(scope) ?? new Map<string, number>();
    this.#ports.set(scope, known);
    const there = known.get(key);
    if (there) return there;
    const port = await freePort(HOST);
    known.set(key, port);
    scope.add(`port ${port}`, async () => returnPort(port));
    return port;
  }

  async #place(plan: BrokerPlan, scope: Scope, mosquitto: LocalMosquitto, listeners: Listener[]): Promise<Place> {
    const texts = [plan.conf ?? "", ...plan.files.filter(isConf).map((file) => new TextDecoder().decode(file.content))];
    for (const peer of namedPeers(texts)) await this.#port(scope, peer);
    return {
      folder: join(scope.folder, `${plan.name}-${++this.#count}`, "mosquitto"),
      ports: new Map(listeners.map(({ port, hostPort }) => [port, hostPort])),
      peers: this.#ports.get(scope) ?? new Map(),
      plugins: mosquitto.plugins,
      // As root Mosquitto would become a user who may not enter the lab's folder.
      user: process.getuid?.() === 0 ? "root" : null,
    };
  }

  async tool(
    plan: ToolPlan,
    scope: Scope,
    options?: ExecOptions & { progress?: Progress },
  ): Promise<ToolResult & { files: ReadonlyMap<string, Uint8Array> }> {
    const { plugins } = await localMosquitto();
    const folder = join(scope.folder, `tool-${++this.#count}`, "mosquitto");
    const place: Place = { folder, ports: new Map(), peers: this.#ports.get(scope) ?? new Map(), plugins, user: null };
    for (const part of ["config", "data", "log"]) mkdirSync(join(folder, part), { recursive: true });
    try {
      for (const file of plan.files) {
        const path = toRealPaths(file.path, place);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, file.content, { mode: file.mode });
      }
      const result = await run(plan.command, place, "", options);
      return { ...result, files: await collect(plan.collect, place) };
    } finally {
      await rm(dirname(folder), { recursive: true, force: true });
    }
  }

  async service(plan: ServicePlan): Promise<EngineService> {
    throw new LabError(
      "ENGINE_CANNOT",
      `the local engine has no containers, and ${plan.name} runs in one`,
      "start Docker and run the notebook's first cell again",
    );
  }

  async link(): Promise<Link> {
    throw new LabError(
      "ENGINE_CANNOT",
      "the local engine's brokers share the machine's own network: no link between them can be cut",
      "use the docker engine, or pause a broker",
    );
  }

  async removeVolume(lab: string, volume: string): Promise<void> {
    await rm(volumeFolder(lab, volume), { recursive: true, force: true });
  }

  async sweep(): Promise<Sweep> {
    return { removed: sweepFolders({ containersGone: false }) };
  }
}

const isConf = (file: { path: string }): boolean => file.path.endsWith(".conf");

function abilities(mosquitto: LocalMosquitto): Set<Need> {
  const can = new Set<Need>(["tls", "websockets", "plugins"]);
  if (isAtLeast(mosquitto.version, 2, 1)) can.add("http_api").add("persist_sqlite");
  return can;
}

function isAtLeast(version: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = version.split(".").map(Number);
  return a > major || (a === major && b >= minor);
}

/** A release that was asked for by name has to be the one that is here. */
function checkRelease(plan: BrokerPlan, mosquitto: LocalMosquitto): void {
  if (!plan.needs.has("releases") || mosquitto.version.startsWith(plan.release)) return;
  throw new LabError(
    "ENGINE_CANNOT",
    `this broker is to be Mosquitto ${plan.release}, and this machine has ${mosquitto.version}`,
    "use the docker engine, which has all releases of the course",
  );
}

/** Outlives the kernel: named volumes are for coming back to. */
function volumeFolder(lab: string, volume: string): string {
  return cachePath("volumes", checkedName(lab, "a lab"), checkedName(volume, "a volume"));
}

async function collect(paths: readonly string[], place: Place): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const path of paths) {
    try {
      files.set(path, Uint8Array.from(await readFile(toRealPaths(path, place))));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return files;
}

let engine: Engine | undefined;

/** The one local engine of this process. */
export function localEngine(): Engine {
  engine ??= new LocalEngine();
  return engine;
}
