/**
 * What an engine is: the one interface behind which Docker, the embedded broker and a local process carry out plans.
 * It assumes neither a process id nor a container, so that a broker inside a worker (or a page) can stand behind it.
 */
import type { LabError } from "../core/errors";
import type { LogBook } from "../core/log-book";
import type { Scope } from "../core/scope";
import type { BrokerPlan, ListenerProtocol, Need } from "./plan";

export type EngineKind = "docker" | "embedded" | "local";

/** What an engine said when it was asked whether it can run. */
export interface EngineProbe {
  readonly kind: EngineKind;
  readonly available: boolean;
  /** One line for people: "Docker Engine 28.2.2 at unix:///var/run/docker.sock". */
  readonly summary: string;
  /** Mosquitto releases that `start` can run, newest first; as the broker itself states them where that is known. */
  readonly mosquitto: readonly string[];
  /** The needs of a plan that this engine can meet. */
  readonly can: ReadonlySet<Need>;
  /** Why it is not available, with what to try. */
  readonly reason?: LabError;
}

/** Where a listener is reached from this machine. */
export interface Listener {
  /** The number in the learner's configuration. */
  readonly port: number;
  readonly protocol: ListenerProtocol;
  readonly tls: boolean;
  readonly host: string;
  readonly hostPort: number;
  /** mqtt://, mqtts://, ws://, wss:// or http:// for clients on this machine. */
  readonly url: string;
}

export type BrokerState = "running" | "paused" | "exited";

/** How a broker's program ended. `code` is null after a signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** What a program printed and how it ended. */
export interface ToolResult {
  readonly command: readonly string[];
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface ExecOptions {
  /** Text for the program's standard input. */
  input?: string;
  /** Milliseconds; then the program is ended and LabError TIMEOUT thrown. Default 10,000. */
  timeout?: number;
  signal?: AbortSignal;
}

/** Signals that Mosquitto understands: reload, save the database, print the subscription tree, end. */
export type BrokerSignal = "SIGHUP" | "SIGUSR1" | "SIGUSR2" | "SIGTERM";

/**
 * A broker that an engine runs. Paths are the container's (/mosquitto/config/passwd) on every engine,
 * ports are the configuration's; each engine translates both, also in the log.
 */
export interface EngineBroker {
  readonly name: string;
  readonly engine: EngineKind;
  /** As the broker states it: "2.1.2". */
  readonly version: string;
  readonly listeners: readonly Listener[];
  /** All lines since the first start, across restarts. */
  readonly log: LogBook;
  readonly state: BrokerState;
  /** The last end of the program, or null while it runs. */
  readonly lastExit: Exit | null;
  /** Resolves at the next end of the program (at once when it has ended). */
  exited(): Promise<Exit>;
  /** Runs one of the broker's own programs beside it: mosquitto_passwd, mosquitto_ctrl, mosquitto_sub, mosquitto_pub, cat, ls. */
  exec(command: readonly string[], options?: ExecOptions): Promise<ToolResult>;
  readFile(path: string): Promise<Uint8Array>;
  /** Replaces the content, keeps what a running broker has open; owner is Mosquitto's user. */
  writeFile(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  signal(signal: BrokerSignal): Promise<void>;
  /** SIGTERM, then wait for the end; what persistence is configured is saved. */
  stop(): Promise<Exit>;
  /** Ends it at once: what wasn't saved is lost. */
  kill(): Promise<Exit>;
  /** Starts it again after stop or kill, on the same host ports, and waits until it is ready. */
  start(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it and removes all that is its own (not a named volume). Safe to call twice. */
  remove(): Promise<void>;
  /** "host:port" under which a broker of the same lab reaches that listener. */
  addressFor(port: number): string;
}

/**
 * The way between two brokers of a lab, in both directions, taps on it included. It can be cut and mended while both run
 * on and their clients stay. A cut is silent: connections stay and nothing gets through; new ones hang or fail.
 */
export interface Link {
  readonly state: "up" | "cut";
  cut(): Promise<void>;
  mend(): Promise<void>;
}

/** A TCP port of this machine that a lab's brokers are to reach by a name of the lab's own. */
export interface DoorPlan {
  readonly lab: string;
  /** Its name on the lab's network; brokers write `name:port`. */
  readonly name: string;
  /** The port under that name. */
  readonly port: number;
  readonly target: { readonly host: string; readonly port: number };
  /** The broker that stands behind it (a tap's): whoever is cut from that broker is cut from the door. */
  readonly behind?: EngineBroker;
}

export interface Door {
  readonly name: string;
  /** "name:port" for a broker's configuration. */
  readonly address: string;
  /** Ends it and every connection through it. Safe to call twice. */
  remove(): Promise<void>;
}

/** A program of the broker's release, run without a broker, on a folder that stands for /mosquitto. */
export interface ToolPlan {
  readonly lab: string;
  readonly command: readonly string[];
  readonly mosquitto: string;
  readonly files: BrokerPlan["files"];
  /** Files to bring back after it ran: paths below /mosquitto. */
  readonly collect: readonly string[];
}

/** A container of another kind beside the brokers (a load balancer, a database). */
export interface ServicePlan {
  readonly lab: string;
  readonly name: string;
  /** A folder of `docker/` whose Dockerfile makes its image. */
  readonly image: string;
  readonly ports: readonly number[];
  readonly files: BrokerPlan["files"];
  readonly env: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
}

export interface EngineService {
  readonly name: string;
  readonly ports: ReadonlyMap<number, { host: string; hostPort: number }>;
  readonly log: LogBook;
  exec(command: readonly string[], options?: ExecOptions): Promise<ToolResult>;
  stop(): Promise<void>;
  start(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  remove(): Promise<void>;
  addressFor(port: number): string;
}

/** What a sweep removed: leftovers of kernels that are gone. */
export interface Sweep {
  readonly removed: readonly string[];
}

/** Called with a line of progress on long steps (building an image, compiling the embedded broker). */
export type Progress = (line: string) => void;

export interface Engine {
  readonly kind: EngineKind;
  probe(): Promise<EngineProbe>;
  /** Starts a broker and returns once it is as ready as the plan asks for. Registers its end with the scope first. */
  start(plan: BrokerPlan, scope: Scope, progress?: Progress): Promise<EngineBroker>;
  tool(
    plan: ToolPlan,
    scope: Scope,
    options?: ExecOptions & { progress?: Progress },
  ): Promise<ToolResult & { files: ReadonlyMap<string, Uint8Array> }>;
  /** LabError ENGINE_CANNOT where an engine has no containers. */
  service(plan: ServicePlan, scope: Scope, progress?: Progress): Promise<EngineService>;
  link(a: EngineBroker, b: EngineBroker): Promise<Link>;
  /** Makes a port of this machine reachable for the lab's brokers; the same name again replaces the earlier one. */
  door(plan: DoorPlan, scope: Scope, progress?: Progress): Promise<Door>;
  /** Removes a named volume and what is in it. Absent is fine. */
  removeVolume(lab: string, volume: string): Promise<void>;
  /** Removes what kernels of this user and this machine left behind, and nothing else. */
  sweep(): Promise<Sweep>;
}
