import type { Content, Header } from "./protocol";

/** A request that the main thread answers, as the wire hands it over. `seq` names it until its reply is sent. */
export interface Request {
  readonly seq: number;
  readonly header: Header;
  readonly content: Content;
}

/** From the wire (a worker) to the main thread. */
export type FromWire =
  | { kind: "request"; request: Request }
  | { kind: "interrupt"; number: number; terminated: boolean }
  | { kind: "leave"; why: string }
  | { kind: "fence"; number: number }
  | { kind: "failed"; why: string }
  | { kind: "closed" };

/** From the main thread to the wire. Contents are JSON text: what can't be serialised fails where it was made. */
export type ToWire =
  | { kind: "publish"; type: string; parent: Header; json: string; metadata?: Content }
  | { kind: "status"; state: "busy" | "idle"; parent: Header }
  | { kind: "reply"; seq: number; type: string; json: string }
  | { kind: "fence"; number: number }
  | { kind: "close" };

/** What both threads share, as 32-bit integers in this order. */
export enum Shared {
  /** The number of the last interrupt that the main thread has seen. */
  Acknowledged = 0,
  /** How deep the main thread is in code that may not be terminated; 0 while it waits or runs a cell's own code. */
  Undisturbed = 1,
  /** Characters that the main thread has published and the sockets haven't taken yet. */
  Underway = 2,
  /** What the two threads have agreed on for a termination: a Verdict. */
  Verdict = 3,
}

/** The steps of a termination, in this order. */
export enum Verdict {
  /** The main thread has been asked. */
  Asked = 0,
  /** It may not be terminated now. */
  Refused = 1,
  /** It stands still until the termination is on its way: what was terminated is what it was asked about. */
  Granted = 2,
  Sent = 3,
  /** It was only asked, and goes on. */
  Spared = 4,
}

/** How much may be under way before a cell that floods has to wait, in characters. */
export const UNDERWAY_LIMIT = 8 << 20;

export interface WireData {
  readonly connectionFile: string;
  readonly shared: SharedArrayBuffer;
  /** The kernel_info_reply, without protocol version. */
  readonly kernelInfo: Content;
  /** The process whose end ends the kernel; 0 for none. */
  readonly parentPid: number;
}
