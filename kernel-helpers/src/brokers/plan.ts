/** Turns what a cell asked for into a plan that any engine can carry out. Pure: nothing is started or written here. */
import type { BrokerSpec, MosquittoRelease } from "./spec";

export type ListenerProtocol = "mqtt" | "websockets" | "http_api";

/** A listener of the configuration. Unix-socket listeners (port 0) are not listed: no client here can reach them. */
export interface ListenerPlan {
  readonly port: number;
  readonly protocol: ListenerProtocol;
  /** The bind address the configuration names, if any: 127.0.0.1 inside a container is out of reach from outside. */
  readonly bind?: string;
  readonly tls: boolean;
  /** Line in the learner's text, from 1; 0 for Mosquitto's own listener when there is no configuration. */
  readonly line: number;
}

export interface PlannedFile {
  /** Absolute, below /mosquitto. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly mode: number;
}

/** What a plan asks of an engine beyond starting the program. */
export type Need =
  | "tls"
  | "websockets"
  | "http_api"
  | "plugins" // a plugin other than dynamic security
  | "persist_sqlite"
  | "releases" // a release other than the engine's only one
  | "local_only" // the port is published, the broker listens on its own loopback only
  | "replace" // a container is replaced, its volume stays
  | "services"
  | "links"
  | "ownership"; // file owners and modes are those of a real system

export interface BrokerPlan {
  readonly lab: string;
  readonly name: string;
  readonly release: MosquittoRelease;
  /** The learner's text, unchanged; null = Mosquitto starts without a configuration file. */
  readonly conf: string | null;
  readonly listeners: readonly ListenerPlan[];
  readonly files: readonly PlannedFile[];
  readonly volume: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly ready: NonNullable<BrokerSpec["ready"]>;
  readonly timeout: number;
  readonly needs: ReadonlySet<Need>;
}
