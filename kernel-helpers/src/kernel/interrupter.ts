import { Session } from "node:inspector";
import { BEFORE_TERMINATION } from "./termination";
import { Phase, Shared } from "./wire-types";

/** How long the main thread has to see an interrupt by itself, in ms: a cell that awaits does so at once. */
const GRACE = 150;
/** The longest that a type check is waited for, in ms. */
const COMPILE_LIMIT = 10_000;
const STEP = 20;

/**
 * Interrupts the main thread from a worker. A thread that doesn't answer is in a loop that never returns to the event
 * loop; its JavaScript is then terminated through the inspector, which leaves the process and its state as they are.
 */
export class Interrupter {
  readonly #shared: Int32Array;
  readonly #tell: (number: number, terminated: boolean) => void;
  #last = 0;

  constructor(shared: Int32Array, tell: (number: number, terminated: boolean) => void) {
    this.#shared = shared;
    this.#tell = tell;
  }

  interrupt(): void {
    const number = ++this.#last;
    this.#tell(number, false);
    this.#watch(number, Date.now());
  }

  #watch(number: number, since: number): void {
    setTimeout(() => {
      if (Atomics.load(this.#shared, Shared.Acknowledged) >= number || number < this.#last) return;
      const compiling = Atomics.load(this.#shared, Shared.Phase) === Phase.Compiling;
      const waited = Date.now() - since;
      if (waited < GRACE || (compiling && waited < COMPILE_LIMIT)) this.#watch(number, since);
      else this.#terminate(number);
    }, STEP);
  }

  #terminate(number: number): void {
    const session = new Session();
    session.connectToMainThread();
    session.post("Runtime.evaluate", { expression: BEFORE_TERMINATION });
    session.post("Runtime.terminateExecution", () => {
      session.disconnect();
      // Told again: the first message may have been what was terminated.
      this.#tell(number, true);
    });
  }
}
