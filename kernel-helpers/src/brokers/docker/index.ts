/** The engine that runs brokers in containers, at any socket that speaks Docker's API. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type Docker from "dockerode";
import { LabError } from "../../core/errors";
import type { Scope } from "../../core/scope";
import { currentSession, ownerState } from "../../core/session";
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
import type { BrokerPlan, Need } from "../plan";
import { hasRecord, sweepFolders } from "../sweep";
import { type DockerAddress, type DockerFound, findDocker, publishAddress } from "./address";
import { DockerBroker, startBroker } from "./broker";
import { labelledSessions, removeLabelled } from "./cleanup";
import { call, callGone, dockerAt, LABEL } from "./client";
import { openDoor } from "./door";
import { releases } from "./images";
import { LabNetwork } from "./network";
import { startService } from "./service";
import { runTool } from "./tool";

const ALL: readonly Need[] = [
  "tls",
  "websockets",
  "http_api",
  "plugins",
  "persist_sqlite",
  "releases",
  "local_only",
  "replace",
  "services",
  "links",
  "ownership",
];

/** What the parts of this engine share. */
export interface DockerHere {
  readonly docker: Docker;
  readonly address: DockerAddress;
  /** The address that ports are published on, and the one by which clients here reach them. */
  readonly publish: { bind: string; reach: string };
  network(scope: Scope, lab: string): LabNetwork;
}

export class DockerEngine implements Engine {
  readonly kind = "docker";
  readonly #here = new Once<DockerHere>();
  #networks = new WeakMap<Scope, LabNetwork>();
  #found: DockerFound | undefined;

  async probe(): Promise<EngineProbe> {
    const image = process.env.MQTT_LAB_MOSQUITTO_IMAGE;
    try {
      const found = await findDocker();
      this.#found = found;
      return {
        kind: "docker",
        available: true,
        summary: `${found.product} at ${found.address.name}`,
        mosquitto: image ? [image] : releases().map((row) => row.version),
        can: new Set(ALL),
      };
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      return { kind: "docker", available: false, summary: error.message, mosquitto: [], can: new Set(), reason: error };
    }
  }

  async start(plan: BrokerPlan, scope: Scope, progress?: Progress): Promise<EngineBroker> {
    const here = await this.#hold(scope);
    return startBroker(here, plan, scope, progress);
  }

  async tool(
    plan: ToolPlan,
    scope: Scope,
    options?: ExecOptions & { progress?: Progress },
  ): Promise<ToolResult & { files: ReadonlyMap<string, Uint8Array> }> {
    const here = await this.#hold(scope);
    return runTool(here, plan, scope, options);
  }

  async service(plan: ServicePlan, scope: Scope, progress?: Progress): Promise<EngineService> {
    const here = await this.#hold(scope);
    return startService(here, plan, scope, progress);
  }

  async link(a: EngineBroker, b: EngineBroker): Promise<Link> {
    if (!(a instanceof DockerBroker && b instanceof DockerBroker && a.network === b.network && a !== b)) throw noLink();
    const { network } = a;
    const gone = (broker: EngineBroker) => (broker as DockerBroker).box.removed;
    return linkOf(network.cuts, [a, b], gone, () => network.arrange());
  }

  async door(plan: DoorPlan, scope: Scope, progress?: Progress): Promise<Door> {
    const here = await this.#hold(scope);
    return openDoor(here, plan, scope, progress);
  }

  async removeVolume(lab: string, volume: string): Promise<void> {
    const { docker } = await this.#connect();
    await callGone(`removing the volume ${volume}`, () => docker.getVolume(volumeName(lab, volume)).remove());
  }

  async sweep(): Promise<Sweep> {
    const { docker } = await this.#connect();
    const removed: string[] = [];
    for (const owner of await call("looking for leftovers", () => labelledSessions(docker))) {
      if (ownerState(owner) !== "dead") continue;
      // Another boot's label may be that of a twin of this machine at a shared engine: only our own record tells.
      if (owner.boot !== currentSession().boot && !hasRecord(owner)) continue;
      removed.push(...(await call("removing leftovers", () => removeLabelled(docker, owner.id))));
    }
    return { removed: [...removed, ...sweepFolders({ containersGone: true })] };
  }

  #connect(): Promise<DockerHere> {
    return this.#here.get(() => this.#open());
  }

  async #open(): Promise<DockerHere> {
    const { address } = this.#found ?? (await findDocker());
    const docker = dockerAt(address);
    const publish = await publishAddress(address);
    const network = (scope: Scope, lab: string): LabNetwork => {
      const known = this.#networks.get(scope) ?? new LabNetwork(docker, scope, lab);
      this.#networks.set(scope, known);
      return known;
    };
    return { docker, address, publish, network };
  }

  /** Connects, and sees to it that this session's containers end with it. */
  async #hold(scope: Scope): Promise<DockerHere> {
    if (scope.closed) throw new LabError("NOT_IN_A_LAB", "this lab is closed", "open the lab again");
    const here = await this.#connect();
    const key = `${scope.session.id} ${here.address.name}`;
    if (!held.has(key)) {
      held.add(key);
      scope.guard.hold({ kind: "containers", session: scope.session.id, engine: here.address });
      const home = dirname(scope.folder);
      mkdirSync(home, { recursive: true });
      writeFileSync(join(home, "containers"), here.address.name);
    }
    return here;
  }
}

/** Sessions and engines that the watcher knows of. */
const held = new Set<string>();

/** A named volume belongs to a user and a lab, not to a kernel: it is there again tomorrow. */
export function volumeName(lab: string, volume: string): string {
  return `mqtt-notebooks-${currentSession().uid}-${lab}-${volume}`;
}

export const volumeLabels = (lab: string, volume: string): Record<string, string> => ({
  [LABEL.uid]: String(currentSession().uid),
  [LABEL.lab]: lab,
  [LABEL.name]: volume,
});

let engine: Engine | undefined;

/** The one Docker engine of this process. */
export function dockerEngine(): Engine {
  engine ??= new DockerEngine();
  return engine;
}
