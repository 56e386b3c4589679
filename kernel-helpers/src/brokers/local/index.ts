/** The engine that runs brokers as processes of this machine, with the Mosquitto that is installed. */
import { mkdirSync, writeFileSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { orDiskFull } from "../../core/disk-full";
import { LabError } from "../../core/errors";
import { cachePath } from "../../core/paths";
import type { Scope } from "../../core/scope";
import { Cuts, linkOf, noLink } from "../cuts";
import type {
  Door,
  DoorPlan,
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
import { Relay } from "./relay";
import { run } from "./run";
import { namedPeers, type Place, toRealPaths } from "./translate";

const HOST = "127.0.0.1";
const PORT_TRIES = 5;

/** What the brokers of one lab share. */
interface LabOf {
  /** Real ports by "name:port": a bridge may name a broker that is started later. */
  readonly ports: Map<string, number>;
  /** By "source name:port": the way of a broker to a peer that its configuration names. */
  readonly relays: Map<string, Relay>;
  /** The broker that a door stands for, by the door's name. */
  readonly behind: Map<string, string>;
  readonly cuts: Cuts;
}

class LocalEngine implements Engine {
  readonly kind = "local";
  #labs = new WeakMap<Scope, LabOf>();
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
    this.#lab(scope).cuts.forget(plan.name);
    this.#arrange(scope);
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
          if (!(await canListen(HOST, hostPort))) this.#lab(scope).ports.delete(`${plan.name}:${port}`);
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
    const known = this.#lab(scope).ports;
    const there = known.get(key);
    if (there) return there;
    const port = await freePort(HOST);
    known.set(key, port);
    scope.add(`port ${port}`, async () => returnPort(port));
    return port;
  }

  #lab(scope: Scope): LabOf {
    const lab = this.#labs.get(scope) ?? {
      ports: new Map(),
      relays: new Map(),
      behind: new Map(),
      cuts: new Cuts(),
    };
    this.#labs.set(scope, lab);
    return lab;
  }

  /** The way from a broker to a peer stays the same when either is started again. */
  async #relay(scope: Scope, source: string, peer: string): Promise<void> {
    const { ports, relays } = this.#lab(scope);
    const key = `${source} ${peer}`;
    if (relays.has(key)) return;
    const fallback = await this.#port(scope, peer);
    for (let tries = 1; ; tries++) {
      const port = await freePort(HOST);
      try {
        // A name may come to mean another port: that of a door.
        const relay = await Relay.open(HOST, port, () => ports.get(peer) ?? fallback);
        relays.set(key, relay);
        scope.add(`way to ${peer}`, async () => {
          relay.close();
          returnPort(port);
        });
        return;
      } catch (error) {
        if (tries === PORT_TRIES) throw error;
      }
    }
  }

  /** Carries out what the lab's cuts say. */
  #arrange(scope: Scope): void {
    const { relays, behind, cuts } = this.#lab(scope);
    for (const [key, { cable }] of relays) {
      const [source = "", peer = ""] = key.split(" ");
      const name = peer.split(":")[0]!;
      cable.isCut = cuts.has(source, behind.get(name) ?? name);
    }
  }

  async #place(plan: BrokerPlan, scope: Scope, mosquitto: LocalMosquitto, listeners: Listener[]): Promise<Place> {
    const texts = [plan.conf ?? "", ...plan.files.filter(isConf).map((file) => new TextDecoder().decode(file.content))];
    const { ports, relays } = this.#lab(scope);
    const named = namedPeers(texts);
    for (const peer of named) await this.#relay(scope, plan.name, peer);
    return {
      folder: join(scope.folder, `${plan.name}-${++this.#count}`, "mosquitto"),
      ports: new Map(listeners.map(({ port, hostPort }) => [port, hostPort])),
      // Read again each time: other brokers come and go.
      get peers() {
        const own = named.map((peer) => [peer, relays.get(`${plan.name} ${peer}`)!.port] as const);
        return new Map([...ports, ...own]);
      },
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
    const place: Place = { folder, ports: new Map(), peers: this.#lab(scope).ports, plugins, user: null };
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

  async link(a: EngineBroker, b: EngineBroker): Promise<Link> {
    if (!(a instanceof LocalBroker && b instanceof LocalBroker && a.scope === b.scope && a !== b)) throw noLink();
    const { cuts } = this.#lab(a.scope);
    return linkOf(
      cuts,
      [a, b],
      (broker) => (broker as LocalBroker).removed,
      async () => this.#arrange(a.scope),
    );
  }

  async door(plan: DoorPlan, scope: Scope): Promise<Door> {
    if (scope.closed) throw new LabError("NOT_IN_A_LAB", "this lab is closed", "open the lab again");
    const { ports, behind } = this.#lab(scope);
    const name = checkedName(plan.name, "a door");
    const key = `${name}:${plan.port}`;
    ports.set(key, plan.target.port);
    if (plan.behind) behind.set(name, plan.behind.name);
    const remove = async () => {
      if (ports.get(key) !== plan.target.port) return;
      ports.delete(key);
      behind.delete(name);
    };
    return { name, address: key, remove };
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
  const can = new Set<Need>(["tls", "websockets", "plugins", "links"]);
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
