import type {
  Door,
  DoorPlan,
  Engine,
  EngineBroker,
  EngineKind,
  EngineProbe,
  EngineService,
  ExecOptions,
  Link,
  Progress,
  ServicePlan,
  ToolResult,
} from "../brokers/engine";
import { checkedName, planBroker, planFiles } from "../brokers/plan";
import { selectEngine } from "../brokers/select";
import type { BrokerFile, BrokerSpec, MosquittoRelease } from "../brokers/spec";
import type { Outcome } from "../checks/outcome";
import type { Scope } from "../core/scope";
import { openScope } from "../kernel/watch";
import type { Tap, TapOptions } from "../mqtt/tap";
import { openTap } from "../mqtt/tap";

export interface ToolRequest {
  command: readonly string[];
  files?: Record<string, BrokerFile>;
  mosquitto?: MosquittoRelease;
  collect?: readonly string[];
}

/** Where a lab's brokers and taps live: in this process for a lesson, in the judge's when it is graded. */
export interface Host {
  readonly engine: EngineKind;
  readonly probe: EngineProbe;
  readonly notices: readonly string[];
  start(spec: BrokerSpec, progress?: Progress): Promise<EngineBroker>;
  tool(
    request: ToolRequest,
    options?: ExecOptions & { progress?: Progress },
  ): Promise<ToolResult & { files: ReadonlyMap<string, Uint8Array> }>;
  service(plan: Omit<ServicePlan, "lab">, progress?: Progress): Promise<EngineService>;
  link(a: EngineBroker, b: EngineBroker): Promise<Link>;
  door(plan: Omit<DoorPlan, "lab">, progress?: Progress): Promise<Door>;
  tap(target: { url: string }, options?: TapOptions): Promise<Tap>;
  removeVolume(name: string): Promise<void>;
  /** When grading: the judge runs the check, with its own text; the cell's own is not run at all. */
  check?(id: string, given: Record<string, unknown>): Promise<Outcome>;
  close(): Promise<void>;
}

/** The host of a lesson: engine and taps in this process. */
export class HereHost implements Host {
  readonly probe: EngineProbe;
  readonly notices: readonly string[];
  readonly #lab: string;
  readonly #engine: Engine;
  readonly #scope: Scope;

  private constructor(lab: string, chosen: Awaited<ReturnType<typeof selectEngine>>, scope: Scope) {
    this.#lab = lab;
    this.#engine = chosen.engine;
    this.probe = chosen.probe;
    this.notices = chosen.notices;
    this.#scope = scope;
  }

  static async open(lab: string, wanted?: EngineKind | "auto"): Promise<HereHost> {
    const chosen = await selectEngine({ wanted });
    // A machine that lost power left things behind: only what is ours, and only of owners that are gone.
    await chosen.engine.sweep();
    return new HereHost(lab, chosen, await openScope(lab));
  }

  get engine(): EngineKind {
    return this.probe.kind;
  }

  start(spec: BrokerSpec, progress?: Progress): Promise<EngineBroker> {
    return this.#engine.start(planBroker(this.#lab, { mosquitto: defaultRelease(), ...spec }), this.#scope, progress);
  }

  tool(request: ToolRequest, options?: ExecOptions & { progress?: Progress }) {
    const plan = {
      lab: this.#lab,
      command: request.command,
      mosquitto: request.mosquitto ?? defaultRelease() ?? "2.1",
      files: planFiles(request.files ?? {}),
      collect: request.collect ?? [],
    };
    return this.#engine.tool(plan, this.#scope, options);
  }

  service(plan: Omit<ServicePlan, "lab">, progress?: Progress): Promise<EngineService> {
    return this.#engine.service({ ...plan, lab: this.#lab }, this.#scope, progress);
  }

  link(a: EngineBroker, b: EngineBroker): Promise<Link> {
    return this.#engine.link(a, b);
  }

  door(plan: Omit<DoorPlan, "lab">, progress?: Progress): Promise<Door> {
    return this.#engine.door({ ...plan, lab: this.#lab }, this.#scope, progress);
  }

  tap(target: { url: string }, options?: TapOptions): Promise<Tap> {
    return openTap(target, options);
  }

  async removeVolume(name: string): Promise<void> {
    return this.#engine.removeVolume(this.#lab, checkedName(name, "a volume"));
  }

  close(): Promise<void> {
    return this.#scope.close();
  }
}

/** The release that the whole course runs on for once (`npm run course -- --mosquitto`); a cell's own word goes first. */
const defaultRelease = (): MosquittoRelease | undefined =>
  (process.env.MQTT_LAB_MOSQUITTO || undefined) as MosquittoRelease | undefined;
