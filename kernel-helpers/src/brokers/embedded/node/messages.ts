/** What the engine and a worker that runs brokers say to each other. */
import type { BrokerEnd, BrokerSignalName } from "../core/broker";
import type { WasmModule } from "../core/webassembly";
import type { Mount } from "./folder-files";

/** A listener's port in the configuration, and where it is on this machine. */
export interface PublishedPort {
  readonly port: number;
  readonly host: string;
  readonly hostPort: number;
  /**
   * Where the broker itself, and programs beside it, reach a listener that is bound to their own loopback. From
   * elsewhere such a port looks open and every connection is closed, as behind a container's published port.
   */
  readonly insidePort?: number;
}

/** The brokers of a lab by name, with their listeners. */
export type Neighbours = Readonly<Record<string, readonly PublishedPort[]>>;

export interface StartMessage {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly ports: readonly PublishedPort[];
  readonly neighbours: Neighbours;
  /** The neighbours that it is cut from. */
  readonly cut: readonly string[];
  readonly module: WasmModule;
}

export type ToWorker =
  | { readonly op: "start"; readonly id: number; readonly start: StartMessage }
  | { readonly op: "signal"; readonly id: number; readonly name: BrokerSignalName }
  | { readonly op: "neighbours"; readonly id: number; readonly neighbours: Neighbours; readonly cut: readonly string[] }
  /** Answered when what was sent before it has been taken in. */
  | { readonly op: "heard"; readonly id: number }
  | { readonly op: "pause" | "resume" | "kill" | "spoil" | "memory"; readonly id: number };

/** A line, and whether it went to standard output (1) or standard error (2). */
export type OutputLine = readonly [fd: 1 | 2, text: string];

export type FromWorker =
  | { readonly event: "ready" }
  | { readonly event: "lines"; readonly id: number; readonly lines: readonly OutputLine[] }
  /** Mosquitto's start is over: it serves, or `ended` has been sent. */
  | { readonly event: "started"; readonly id: number }
  /** A host port could not be opened; nothing was started. */
  | {
      readonly event: "refused";
      readonly id: number;
      readonly port: PublishedPort;
      readonly message: string;
      readonly code: string;
    }
  | { readonly event: "paused" | "resumed" | "signalled" | "heard"; readonly id: number }
  | { readonly event: "memory"; readonly id: number; readonly bytes: number }
  | { readonly event: "ended"; readonly id: number; readonly end: BrokerEnd };
