import { randomBytes } from "node:crypto";
import { LabError } from "./errors";

/** Something that a lab started and that must end: what it is, and how it ends. */
export interface Ending {
  readonly what: string;
  end(): Promise<void>;
}

/**
 * Who a kernel's resources belong to. Labels and folders carry it, so that a sweep can tell a live owner from a dead
 * one: the process id alone is not enough, it is given out again.
 */
export interface Session {
  readonly id: string;
  readonly pid: number;
  /** Start of that process in its system's words (Linux: clock ticks since boot); "" where it cannot be known. */
  readonly started: string;
  /** Which boot of which machine this is. */
  readonly boot: string;
  readonly uid: number;
}

/** What has to end even when this process is killed, in terms that another process can act on. */
export type Held =
  | { readonly kind: "process"; readonly pid: number; readonly started: string }
  /** All containers, networks and anonymous volumes that carry this session's label, at this engine. */
  | { readonly kind: "containers"; readonly session: string; readonly engine: unknown }
  | { readonly kind: "folder"; readonly path: string };

/** Ends what it holds once this process is gone, however it went. `hold` returns a function that lets go. */
export interface Guard {
  hold(held: Held): () => void;
}

/** Owns the endings of a lab's resources and runs them, newest first. */
export class Scope {
  readonly id = randomBytes(4).toString("hex");
  readonly session: Session;
  /** A folder of this scope's own, removed at its end. */
  readonly folder: string;
  readonly guard: Guard;
  #endings: Ending[] = [];
  #closed = false;

  constructor(session: Session, folder: string, guard: Guard) {
    this.session = session;
    this.folder = folder;
    this.guard = guard;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Registers an end before the thing is started. Returns a function that forgets it (after the thing ended itself).
   * @throws LabError NOT_IN_A_LAB when the scope is closed: nothing more may be started.
   */
  add(what: string, end: () => Promise<void>): () => void {
    if (this.#closed) throw new LabError("NOT_IN_A_LAB", "this lab is closed", "run the notebook's first cell again");
    const ending: Ending = { what, end };
    this.#endings.push(ending);
    return () => {
      this.#endings = this.#endings.filter((other) => other !== ending);
    };
  }

  /** Runs every ending, newest first, each even if another fails; the failures are thrown together at the end. */
  async close(): Promise<void> {
    this.#closed = true;
    const failures: unknown[] = [];
    for (let ending = this.#endings.pop(); ending; ending = this.#endings.pop()) {
      try {
        await ending.end();
      } catch (error) {
        failures.push(new Error(`${ending.what} did not end: ${String(error)}`, { cause: error }));
      }
    }
    if (failures.length) throw new AggregateError(failures, "some resources of the lab did not end");
  }
}
