/** The engine that runs Mosquitto itself, compiled to WebAssembly, in workers of this process. */
import { rmSync } from "node:fs";
import { LabError } from "../../core/errors";
import type { Scope } from "../../core/scope";
import { Once } from "../../core/turns";
import { linkOf, noLink } from "../cuts";
import type {
  Door,
  DoorPlan,
  Engine,
  EngineBroker,
  EngineProbe,
  EngineService,
  ExecOptions,
  Link,
  Progress,
  ServicePlan,
  Sweep,
  ToolPlan,
  ToolResult,
} from "../engine";
import { type BrokerPlan, checkedName, checkedRelease, type Need } from "../plan";
import { sweepFolders } from "../sweep";
import { EmbeddedBroker, type Lent, startBroker } from "./broker";
import { Broker } from "./core/broker";
import { MemoryFiles } from "./core/memory-files";
import { MemoryNetwork } from "./core/memory-network";
import { Home, volumeFolder } from "./home";
import { LabNames } from "./names";
import { programModule, readManifest } from "./node/modules";
import { WorkerPool } from "./node/pool";
import { runCommand } from "./programs";
import { tlsIsPossible } from "./tls-build";

const CAN: readonly Need[] = ["websockets", "local_only", "replace", "links"];

const can = (): Set<Need> => new Set([...CAN, ...(tlsIsPossible() ? (["tls"] as const) : [])]);

const INSTEAD =
  "run this lab with Docker (MQTT_LAB_ENGINE=docker), and open it again; `npm run doctor` says what is here";

class EmbeddedEngine implements Engine {
  readonly kind = "embedded";
  readonly #pool = new WorkerPool();
  readonly #names = new LabNames();
  readonly #version = new Once<string>();

  async probe(): Promise<EngineProbe> {
    try {
      const { mosquitto } = readManifest();
      const summary = `Mosquitto ${mosquitto} in this process, compiled to WebAssembly`;
      return { kind: "embedded", available: true, summary, mosquitto: [mosquitto], can: can() };
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      const { message } = error;
      return { kind: "embedded", available: false, summary: message, mosquitto: [], can: new Set(), reason: error };
    }
  }

  async start(plan: BrokerPlan, scope: Scope, progress?: Progress): Promise<EngineBroker> {
    this.#open(scope);
    checkNeeds(plan);
    // A worker begins while the program is still being compiled.
    this.#pool.warm();
    return startBroker(await this.#lent(), plan, scope, progress);
  }

  async tool(
    plan: ToolPlan,
    scope: Scope,
    options?: ExecOptions & { progress?: Progress },
  ): Promise<ToolResult & { files: ReadonlyMap<string, Uint8Array> }> {
    this.#open(scope);
    if (checkedRelease(plan.mosquitto) !== "2.1") throw cannot(`run Mosquitto ${plan.mosquitto}`);
    const home = new Home(scope, "tool", null);
    const forget = scope.add("a tool's files", async () => home.remove());
    try {
      home.put(plan.files, null);
      const place = { pool: this.#pool, scope, files: home.files, mounts: home.mounts, own: [], env: {} };
      const neighbours = this.#names.of(scope);
      const result = await runCommand(
        { ...place, neighbours, cut: [], folder: "/mosquitto/config" },
        plan.command,
        options,
      );
      return { ...result, files: await collect(home, plan.collect) };
    } finally {
      forget();
      home.remove();
    }
  }

  async service(plan: ServicePlan): Promise<EngineService> {
    throw cannot(`run the service ${plan.name}: it is a container`);
  }

  async link(a: EngineBroker, b: EngineBroker): Promise<Link> {
    const both = a instanceof EmbeddedBroker && b instanceof EmbeddedBroker;
    if (!both || a.scope !== b.scope || a === b) throw noLink();
    const { scope } = a;
    const gone = (broker: EngineBroker) => (broker as EmbeddedBroker).removed;
    return linkOf(this.#names.cuts(scope), [a, b], gone, () => this.#names.told(scope));
  }

  async door(plan: DoorPlan, scope: Scope): Promise<Door> {
    this.#open(scope);
    const name = checkedName(plan.name, "a door");
    const ports = [{ port: plan.port, host: plan.target.host, hostPort: plan.target.port }];
    this.#names.door(scope, name, ports, plan.behind?.name);
    const remove = async () => this.#names.remove(scope, name, ports);
    return { name, address: `${name}:${plan.port}`, remove };
  }

  async removeVolume(lab: string, volume: string): Promise<void> {
    rmSync(volumeFolder(lab, volume), { recursive: true, force: true, maxRetries: 3 });
  }

  async sweep(): Promise<Sweep> {
    return { removed: sweepFolders({ containersGone: false }) };
  }

  #open(scope: Scope): void {
    if (scope.closed) throw new LabError("NOT_IN_A_LAB", "this lab is closed", "open the lab again");
  }

  async #lent(): Promise<Lent> {
    return { pool: this.#pool, names: this.#names, version: await this.#version.get(statedVersion) };
  }
}

function checkNeeds(plan: BrokerPlan): void {
  const lacks = [...plan.needs].filter((need) => !CAN.includes(need));
  // Where TLS can't be had, the error names the line that asks for it; see tls-build.ts.
  if (lacks.includes("releases")) throw cannot(`run Mosquitto ${plan.release}: it has 2.1 only`);
  if (lacks.includes("plugins")) throw cannot("load native plugins other than dynamic security");
  if (lacks.includes("persist_sqlite")) throw cannot("keep its data in SQLite");
  if (lacks.includes("http_api")) throw cannot("serve http_api");
  const rest = lacks.filter((need) => need !== "tls");
  if (rest.length) throw cannot(`do what this broker needs (${rest.join(", ")})`);
}

const cannot = (what: string): LabError => new LabError("ENGINE_CANNOT", `the embedded broker cannot ${what}`, INSTEAD);

/** What Mosquitto says of itself, not what was to be built. */
async function statedVersion(): Promise<string> {
  const said: string[] = [];
  await Broker.start({
    module: await programModule("mosquitto"),
    files: new MemoryFiles(),
    network: new MemoryNetwork(),
    args: ["-h"],
    line: (text) => said.push(text),
    ended() {},
  });
  const version = /mosquitto version (\S+)/.exec(said.join("\n"))?.[1];
  if (version) return version;
  throw new LabError("SETUP_FAILED", "the embedded broker does not say its version", "npm run embedded -- --force");
}

async function collect(home: Home, paths: readonly string[]): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const path of paths) {
    try {
      files.set(path, await home.read(path, "the tool"));
    } catch (error) {
      if (!(error instanceof LabError)) throw error; // the program made no such file
    }
  }
  return files;
}

let engine: Engine | undefined;

/** The one embedded engine of this process. */
export function embeddedEngine(): Engine {
  engine ??= new EmbeddedEngine();
  return engine;
}
