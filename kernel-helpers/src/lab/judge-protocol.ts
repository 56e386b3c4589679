import type { EngineBroker, EngineKind, Exit, Listener } from "../brokers/engine";
import type { LogLine } from "../core/log-book";

/**
 * What a graded kernel and the judge say to each other. Names of calls of the kernel: hello, start, broker, tool, link,
 * linkDo, door, closeDoor, tap, closeTap, removeVolume, check, function, close. Of the judge: function; and the notes log, state, progress.
 */
export const JUDGE_ENV = "MQTT_LAB_JUDGE";

/** What MQTT_LAB_JUDGE holds, as JSON. */
export interface JudgeAddress {
  /** A Unix socket in a folder of the grader's own, or a named pipe. */
  readonly path: string;
  /** Good for one connection. */
  readonly token: string;
}

export interface HelloAnswer {
  readonly kind: EngineKind;
  readonly summary: string;
  readonly mosquitto: readonly string[];
  readonly can: readonly string[];
  readonly notices: readonly string[];
}

/** All of a broker's state that is read without asking. */
export interface BrokerSnapshot {
  readonly id: string;
  readonly name: string;
  readonly engine: EngineKind;
  readonly version: string;
  readonly listeners: readonly Listener[];
  readonly state: EngineBroker["state"];
  readonly lastExit: Exit | null;
  /** By the port in the configuration: where other brokers reach it. */
  readonly addresses: Readonly<Record<string, string>>;
}

export interface LogNote {
  readonly id: string;
  readonly lines: readonly LogLine[];
}

/** The methods of a broker that a kernel may call. */
export const BROKER_CALLS = [
  "exec",
  "readFile",
  "writeFile",
  "signal",
  "stop",
  "kill",
  "start",
  "pause",
  "resume",
  "remove",
] as const;

export type BrokerCall = (typeof BROKER_CALLS)[number];
