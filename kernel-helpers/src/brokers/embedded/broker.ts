import { LabError } from "../../core/errors";
import { LogBook } from "../../core/log-book";
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
import { type BrokerPlan, CONF_PATH, modeFor } from "../plan";
import { freePort, HostPortTaken, returnPort } from "../ports";
import { answers } from "../probe";
import { untilReady } from "../ready";
import type { WasmModule } from "./core/webassembly";
import { Home, volumeFolder } from "./home";
import type { LabNames } from "./names";
import type { FromWorker, PublishedPort } from "./node/messages";
import { programModule } from "./node/modules";
import type { Run, WorkerPool } from "./node/pool";
import { readConfiguration, runCommand } from "./programs";
import { tlsLine } from "./tls";
import { programsWithTls } from "./tls-build";

const HOST = "127.0.0.1";
/** Milliseconds that a broker has to save and end after SIGTERM, as `docker stop` gives it. */
const STOP_PATIENCE = 10_000;
const PORT_TRIES = 5;

/** What the engine lends its brokers. */
export interface Lent {
  readonly pool: WorkerPool;
  readonly names: LabNames;
  /** As Mosquitto states it. */
  readonly version: string;
}

/** Starts a broker; another process may take a port between our choice and its start, so it tries again. */
export async function startBroker(
  lent: Lent,
  plan: BrokerPlan,
  scope: Scope,
  progress?: Progress,
): Promise<EmbeddedBroker> {
  for (let tries = 1; ; tries++) {
    const broker = new EmbeddedBroker(lent, plan, scope, await choosePorts(plan));
    try {
      broker.prepare();
      await broker.start(progress);
      return broker;
    } catch (error) {
      await broker.remove();
      if (!(error instanceof HostPortTaken) || tries === PORT_TRIES) throw error;
    }
  }
}

async function choosePorts(plan: BrokerPlan): Promise<PublishedPort[]> {
  const ports: PublishedPort[] = [];
  for (const { port, bind } of plan.listeners) {
    const inside = isLoopback(bind) ? { insidePort: await freePort(HOST) } : {};
    ports.push({ port, host: HOST, hostPort: await freePort(HOST), ...inside });
  }
  return ports;
}

export class EmbeddedBroker implements EngineBroker {
  readonly engine = "embedded";
  readonly name: string;
  readonly version: string;
  readonly listeners: readonly Listener[];
  readonly log = new LogBook();
  readonly #plan: BrokerPlan;
  readonly #lent: Lent;
  readonly #ports: readonly PublishedPort[];
  readonly #home: Home;
  readonly #scope: Scope;
  readonly #forget: () => void;
  #state: BrokerState = "exited";
  #lastExit: Exit | null = null;
  #run: Run | null = null;
  #exited: Promise<Exit> | null = null;
  #removal: Promise<void> | null = null;

  constructor(lent: Lent, plan: BrokerPlan, scope: Scope, ports: readonly PublishedPort[]) {
    this.#lent = lent;
    this.#plan = plan;
    this.#scope = scope;
    this.#ports = ports;
    this.name = plan.name;
    this.version = lent.version;
    this.listeners = plan.listeners.map(({ port, protocol, tls }, index) => {
      const place = { port, protocol, tls, host: HOST, hostPort: ports[index]!.hostPort };
      return { ...place, url: listenerUrl(place) };
    });
    this.#home = new Home(scope, plan.name, plan.volume === null ? null : volumeFolder(plan.lab, plan.volume));
    this.#forget = scope.add(`broker ${plan.name}`, () => this.remove());
  }

  /** Writes the plan's files. */
  prepare(): void {
    this.#home.put(this.#plan.files, this.#plan.conf);
  }

  get state(): BrokerState {
    return this.#state;
  }

  get lastExit(): Exit | null {
    return this.#lastExit;
  }

  exited(): Promise<Exit> {
    if (this.#lastExit) return Promise.resolve(this.#lastExit);
    return this.#exited ?? Promise.reject(new LabError("BROKER_EXITED", `${this.name} never ran`, "start it first"));
  }

  async start(progress?: Progress): Promise<void> {
    this.#present();
    if (this.#state === "running") return;
    if (this.#state === "paused") return this.resume();
    const module = await this.#program(progress);
    this.#present();
    const after = this.log.lines.length;
    const { exited, started } = this.#begin(module);
    await started;
    if (this.#plan.ready === "connack") {
      const questions = this.#plan.listeners.map((listener, index) => {
        const { port, host, hostPort, insidePort } = this.#ports[index]!;
        const asked = { ...listener, host, hostPort: insidePort ?? hostPort };
        return { port, ask: (signal: AbortSignal) => answers(asked, signal) };
      });
      await untilReady(this.#plan, questions, exited, this.log, after);
    }
    this.#lent.pool.warm();
  }

  async exec(command: readonly string[], options?: ExecOptions): Promise<ToolResult> {
    this.#running();
    return runCommand(
      {
        pool: this.#lent.pool,
        scope: this.#scope,
        files: this.#home.files,
        mounts: this.#home.mounts,
        own: this.#ports,
        neighbours: this.#lent.names.of(this.#scope),
        cut: this.#lent.names.cutFrom(this.#scope, this.name),
        folder: "/",
        env: this.#plan.env,
      },
      command,
      options,
    );
  }

  async readFile(path: string): Promise<Uint8Array> {
    this.#present();
    return this.#home.read(path, this.name);
  }

  async writeFile(path: string, content: string | Uint8Array, mode?: number): Promise<void> {
    this.#present();
    await this.#home.write(path, content, mode ?? modeFor(path, this.#plan.files));
  }

  /** Carried out when this resolves. */
  async signal(name: BrokerSignal): Promise<void> {
    this.#running();
    await this.#run?.ask({ op: "signal", id: this.#run.id, name }, "signalled");
  }

  async stop(): Promise<Exit> {
    this.#present();
    if (this.#state === "paused") await this.resume();
    const run = this.#run;
    if (run && this.#state === "running") {
      run.send({ op: "signal", id: run.id, name: "SIGTERM" });
      const timer = setTimeout(() => run.kill(), STOP_PATIENCE);
      await this.exited();
      clearTimeout(timer);
    }
    return this.exited();
  }

  async kill(): Promise<Exit> {
    this.#present();
    this.#run?.kill();
    return this.exited();
  }

  async pause(): Promise<void> {
    this.#present();
    if (this.#state === "paused") return;
    this.#running();
    await this.#run?.ask({ op: "pause", id: this.#run.id }, "paused");
    if (!this.#lastExit) this.#state = "paused";
  }

  async resume(): Promise<void> {
    this.#present();
    if (this.#state !== "paused") return;
    this.#state = "running";
    await this.#run?.ask({ op: "resume", id: this.#run.id }, "resumed");
  }

  remove(): Promise<void> {
    this.#removal ??= this.#remove();
    return this.#removal;
  }

  addressFor(port: number): string {
    return `${this.name}:${port}`;
  }

  get removed(): boolean {
    return this.#removal !== null;
  }

  get scope(): Scope {
    return this.#scope;
  }

  /** Bytes of the program's memory. */
  async memory(): Promise<number> {
    const answer = await this.#run?.ask({ op: "memory", id: this.#run.id }, "memory");
    return answer?.event === "memory" ? answer.bytes : 0;
  }

  /** For tests: the next turn crashes. */
  spoilMemory(): void {
    this.#run?.send({ op: "spoil", id: this.#run.id });
  }

  async #remove(): Promise<void> {
    this.#lent.names.remove(this.#scope, this.name, this.#ports);
    if (this.#run && !this.#run.over) {
      this.#run.kill();
      await this.exited();
    }
    this.#state = "exited";
    this.#lastExit ??= { code: null, signal: "SIGKILL" };
    for (const { hostPort, insidePort } of this.#ports) {
      returnPort(hostPort);
      if (insidePort !== undefined) returnPort(insidePort);
    }
    this.log.end();
    this.#home.remove();
    this.#forget();
  }

  /** Begins a run. `started` rejects when a host port is taken, and resolves when Mosquitto's start is over. */
  #begin(module: WasmModule): { exited: Promise<Exit>; started: Promise<void> } {
    const args = this.#plan.conf === null ? [] : ["-c", CONF_PATH];
    const { env } = this.#plan;
    const neighbours = this.#lent.names.of(this.#scope);
    const cut = this.#lent.names.cutFrom(this.#scope, this.name);
    this.#state = "running";
    this.#lastExit = null;
    let tellExit: (exit: Exit) => void = () => {};
    const exited = new Promise<Exit>((resolve) => {
      tellExit = resolve;
    });
    this.#exited = exited;
    const ended = (exit: Exit) => {
      this.#state = "exited";
      this.#lastExit = exit;
      this.#lent.names.stopped(this.#scope, this.name);
      tellExit(exit);
    };
    const started = new Promise<void>((resolve, reject) => {
      this.#run = this.#lent.pool.run(
        { start: { args, env, mounts: this.#home.mounts, ports: this.#ports, neighbours, cut, module } },
        {
          lines: (lines) => {
            for (const [, text] of lines) this.log.append(text);
          },
          started: () => resolve(),
          refused: (message) => {
            ended({ code: 1, signal: null });
            reject(refusal(message));
          },
          ended: (end) => {
            ended(end);
            resolve();
          },
        },
      );
    });
    this.#lent.names.started(this.#scope, this.name, this.#ports, this.#run!);
    return { exited, started };
  }

  /** Mosquitto without TLS, which starts quicker and is smaller, or with it where a line of the configuration asks for it. */
  async #program(progress?: Progress): Promise<WasmModule> {
    const line = tlsLine(readConfiguration(this.#home.files, this.#plan.conf === null ? null : CONF_PATH));
    if (!line) return programModule("mosquitto");
    const why = `line ${line.number} of ${line.path} (${line.text})`;
    return programModule("mosquitto", await programsWithTls(why, this.#scope, progress));
  }

  #present(): void {
    if (!this.#removal) return;
    throw new LabError("NOT_IN_A_LAB", `${this.name} was removed`, "run the cell that starts it again");
  }

  #running(): void {
    this.#present();
    if (this.#state === "running") return;
    const paused = this.#state === "paused";
    throw new LabError(
      "BROKER_EXITED",
      `${this.name} is ${paused ? "paused" : "not running"}`,
      paused ? "resume it first" : "start it first",
    );
  }
}

function refusal({ port, message }: Extract<FromWorker, { event: "refused" }>): LabError {
  return new HostPortTaken(port.hostPort, message);
}
