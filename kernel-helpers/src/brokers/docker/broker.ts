import { LabError } from "../../core/errors";
import type { LogBook } from "../../core/log-book";
import { PROBE_CLIENT } from "../../core/log-book";
import type { Scope } from "../../core/scope";
import type {
  BrokerSignal,
  BrokerState,
  EngineBroker,
  ExecOptions,
  Exit,
  Listener,
  Progress,
  ToolResult,
} from "../engine";
import { listenerUrl } from "../listener-url";
import { isLoopback } from "../mosquitto-conf";
import { type BrokerPlan, CONF_PATH, type ListenerPlan, modeFor, type PlannedFile } from "../plan";
import { portOwner } from "../port-owner";
import { freePort, randomPort, returnPort } from "../ports";
import { answers } from "../probe";
import { type Question, untilReady } from "../ready";
import { statedVersion } from "../stated-version";
import { pack } from "../tar";
import { isRemote } from "./address";
import { Box, foldersOf } from "./box";
import { ownerLabels } from "./cleanup";
import { isPortTaken } from "./client";
import { OWNER } from "./exec";
import { mosquittoImage, type ReadyImage } from "./images";
import { type DockerHere, volumeLabels, volumeName } from "./index";
import type { LabNetwork } from "./network";

/** Starts a broker's container; another process may take a port between our choice and its start, so it tries again. */
export async function startBroker(
  here: DockerHere,
  plan: BrokerPlan,
  scope: Scope,
  progress?: Progress,
): Promise<DockerBroker> {
  const network = here.network(scope, plan.lab);
  const [image] = await Promise.all([mosquittoImage(here.docker, plan.release, progress), network.main()]);
  for (let tries = 1; ; tries++) {
    const listeners = await chooseListeners(here, plan);
    const box = await createBox(here, plan, scope, image, network, listeners);
    const broker = new DockerBroker(plan, box, network, image, listeners);
    try {
      await broker.start();
      return broker;
    } catch (error) {
      await broker.remove();
      if (scope.closed)
        throw new LabError("NOT_IN_A_LAB", "the lab was closed meanwhile", "open the lab again", { cause: error });
      if (!isPortTaken(error) || tries === 5) throw isPortTaken(error) ? takenError(listeners, error) : error;
    }
  }
}

async function chooseListeners(here: DockerHere, plan: BrokerPlan): Promise<Listener[]> {
  const listeners: Listener[] = [];
  for (const { port, protocol, tls } of plan.listeners) {
    const hostPort = isRemote(here.address) ? randomPort() : await freePort(here.publish.bind);
    const place = { port, protocol, tls, host: here.publish.reach, hostPort };
    listeners.push({ ...place, url: listenerUrl(place) });
  }
  return listeners;
}

async function createBox(
  here: DockerHere,
  plan: BrokerPlan,
  scope: Scope,
  image: ReadyImage,
  network: LabNetwork,
  listeners: readonly Listener[],
): Promise<Box> {
  const ports = listeners.map(({ port, hostPort }) => [
    `${port}/tcp`,
    [{ HostIp: here.publish.bind, HostPort: String(hostPort) }],
  ]);
  const mount = {
    Type: "volume" as const,
    Target: "/mosquitto/data",
    Source: plan.volume === null ? "" : volumeName(plan.lab, plan.volume),
    VolumeOptions: {
      NoCopy: false,
      Labels: volumeLabels(plan.lab, plan.volume ?? ""),
      DriverConfig: { Name: "", Options: {} },
    },
  };
  const box = await Box.create(
    here.docker,
    scope,
    plan.name,
    {
      name: `mqtt-notebooks-${plan.lab}-${plan.name}-${scope.id}-${(++boxes).toString(36)}`,
      Image: image.id,
      Hostname: plan.name,
      Labels: ownerLabels(scope.session, plan.lab, plan.name),
      Env: Object.entries(plan.env).map(([key, value]) => `${key}=${value}`),
      Cmd: ["/usr/sbin/mosquitto", ...(plan.conf === null ? [] : ["-c", CONF_PATH])],
      ExposedPorts: Object.fromEntries(ports.map(([port]) => [port, {}])),
      HostConfig: {
        NetworkMode: "bridge",
        PortBindings: Object.fromEntries(ports),
        ...(plan.volume === null ? {} : { Mounts: [mount] }),
      },
    },
    await network.main(),
    filesOf(plan),
  );
  await network.join(box);
  return box;
}
let boxes = 0;

function filesOf(plan: BrokerPlan): Buffer | null {
  const files: PlannedFile[] = [...plan.files];
  if (plan.conf !== null) files.push({ path: CONF_PATH, content: new TextEncoder().encode(plan.conf), mode: 0o644 });
  if (!files.length) return null;
  const relative = files.map((file) => ({ ...file, path: file.path.slice(1) }));
  return pack(relative, OWNER, foldersOf(files.map((file) => file.path)));
}

function takenError(listeners: readonly Listener[], cause: unknown): LabError {
  const ports = listeners.map((listener) => listener.hostPort).join(", ");
  // Whose they are can be known where they are this machine's.
  const here = listeners.filter(({ host }) => host === "127.0.0.1" || host === "::1");
  const owner = here.map(({ hostPort }) => portOwner(hostPort)).find((found) => found !== null);
  return new LabError(
    "PORT_TAKEN",
    `${owner ?? "another program on this machine"} has taken a port of this broker (${ports})`,
    `end ${owner ?? "that program"}, or run the cell that starts the broker again: it takes other ports`,
    { cause },
  );
}

export class DockerBroker implements EngineBroker {
  readonly engine = "docker";
  readonly name: string;
  readonly listeners: readonly Listener[];
  readonly box: Box;
  readonly network: LabNetwork;
  readonly #plan: BrokerPlan;
  readonly #image: ReadyImage;
  #version: string | null = null;

  constructor(plan: BrokerPlan, box: Box, network: LabNetwork, image: ReadyImage, listeners: readonly Listener[]) {
    this.#plan = plan;
    this.name = plan.name;
    this.box = box;
    this.network = network;
    this.#image = image;
    this.listeners = listeners;
  }

  get version(): string {
    return statedVersion(this.log) ?? this.#version ?? this.#image.version ?? "unknown";
  }

  get log(): LogBook {
    return this.box.log;
  }

  get state(): BrokerState {
    return this.box.state;
  }

  get lastExit(): Exit | null {
    return this.box.lastExit;
  }

  exited(): Promise<Exit> {
    return this.box.exited();
  }

  async start(): Promise<void> {
    if (this.box.state === "running") return;
    if (this.box.state === "paused") return this.box.resume();
    const after = this.log.lines.length;
    const run = await this.#startBox();
    if (this.#plan.ready === "connack") {
      const questions = this.#plan.listeners.map((plan, index) => this.#question(plan, this.listeners[index]!, after));
      await untilReady(this.#plan, questions, run.exited, this.log, after);
    }
    if (!statedVersion(this.log) && !this.#image.version && this.state === "running") {
      const said = await this.exec(["/usr/sbin/mosquitto", "-h"]);
      this.#version = /mosquitto version (\S+)/.exec(said.stdout)?.[1] ?? null;
    }
  }

  /** A restart keeps its ports, so it waits a moment when one of them is still being given back. */
  async #startBox(): Promise<{ exited: Promise<Exit> }> {
    const again = this.box.lastExit !== null;
    for (let tries = 1; ; tries++) {
      try {
        return await this.box.start();
      } catch (error) {
        if (!again || !isPortTaken(error)) throw error;
        if (tries === 10) throw takenError(this.listeners, error);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  /** A listener on the container's own loopback cannot be asked from here: the log tells, or a client inside. */
  #question(plan: ListenerPlan, listener: Listener, after: number): Question {
    const { port } = plan;
    if (!isLoopback(plan.bind)) return { port, ask: (signal) => answers({ ...listener, proxy: plan.proxy }, signal) };
    const logged = async (signal: AbortSignal) => {
      const timeout = this.#plan.timeout;
      await this.log.until(/mosquitto version \S+ running/, { after, timeout });
      signal.throwIfAborted();
    };
    return { port, ask: (signal) => Promise.any([logged(signal), this.#askInside(plan, signal)]) };
  }

  async #askInside(plan: ListenerPlan, signal: AbortSignal): Promise<void> {
    const command = [
      "mosquitto_sub",
      "-h",
      plan.bind!,
      "-p",
      String(plan.port),
      "-i",
      PROBE_CLIENT,
      "-E",
      "-t",
      PROBE_CLIENT,
    ];
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      signal.throwIfAborted();
      const { exitCode, stderr } = await this.box.exec(command, { timeout: 2_000, signal });
      if (exitCode === 0 || /not authori[sz]ed|refused:/i.test(stderr)) return;
    }
  }

  exec(command: readonly string[], options?: ExecOptions): Promise<ToolResult> {
    return this.box.exec(command, options);
  }

  readFile(path: string): Promise<Uint8Array> {
    return this.box.readFile(path);
  }

  async writeFile(path: string, content: string | Uint8Array, mode?: number): Promise<void> {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await this.box.writeFile(path, bytes, mode ?? modeFor(path, this.#plan.files));
  }

  signal(signal: BrokerSignal): Promise<void> {
    return this.box.signal(signal);
  }

  stop(): Promise<Exit> {
    return this.box.stop();
  }

  kill(): Promise<Exit> {
    return this.box.kill();
  }

  pause(): Promise<void> {
    return this.box.pause();
  }

  resume(): Promise<void> {
    return this.box.resume();
  }

  async remove(): Promise<void> {
    await this.box.remove();
    for (const { hostPort } of this.listeners) returnPort(hostPort);
  }

  addressFor(port: number): string {
    return `${this.name}:${port}`;
  }
}
