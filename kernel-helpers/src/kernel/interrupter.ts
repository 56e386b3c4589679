import { Session } from "node:inspector";
import { beforeTermination } from "./termination";
import { Shared, Verdict } from "./wire-types";

/** How long the main thread has to see an interrupt by itself, in ms: a cell that awaits does so at once. */
const GRACE = 150;
/** A cell's code that is met is met again so much later, in ms: what a cell does in passing is over then. */
const AGAIN = 100;
/** The longest that a type check is waited for, in ms. */
const UNDISTURBED_LIMIT = 10_000;
const STEP = 20;
/** How often a thread without stack is asked before it is terminated unprepared, which Node may not survive. */
const MOST_UNANSWERED = 50;

/** ES2024's, which Node has: resolves when the number at `index` is no longer `value`. */
interface WaitAsync {
  waitAsync(numbers: Int32Array, index: number, value: number): { readonly value: unknown };
}

/**
 * Interrupts the main thread from a worker. A thread that doesn't answer is in a loop that never returns to the event
 * loop; its JavaScript is then terminated through the inspector, which leaves the process and its state as they are.
 */
export class Interrupter {
  readonly #shared: Int32Array;
  readonly #tell: (number: number, terminated: boolean) => void;
  #last = 0;
  #watching = false;
  #unanswered = 0;

  constructor(shared: Int32Array, tell: (number: number, terminated: boolean) => void) {
    this.#shared = shared;
    this.#tell = tell;
  }

  interrupt(): void {
    this.#tell(++this.#last, false);
    if (!this.#watching) void this.#watch();
  }

  /** Until the main thread has seen the last interrupt. */
  async #watch(): Promise<void> {
    this.#watching = true;
    const since = Date.now();
    let met = 0;
    this.#unanswered = 0;
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, STEP));
      if (Atomics.load(this.#shared, Shared.Acknowledged) >= this.#last) break;
      const waited = Date.now() - since;
      const anyway = waited >= UNDISTURBED_LIMIT;
      const free = anyway || Atomics.load(this.#shared, Shared.Undisturbed) === 0;
      if (!free) met = 0;
      if (waited < GRACE || !free || (met && Date.now() - met < AGAIN)) continue;
      const spare = !met && !anyway;
      const granted = await this.#terminate(anyway, spare);
      if (granted && !spare) break;
      met = granted ? Date.now() : 0;
    }
    this.#watching = false;
  }

  /**
   * @param spare asks and does no more.
   * @returns whether the main thread's code may be terminated, and was; it may have come to code of the kernel's own
   * meanwhile.
   */
  async #terminate(anyway: boolean, spare: boolean): Promise<boolean> {
    const number = this.#last;
    const session = new Session();
    session.connectToMainThread();
    Atomics.store(this.#shared, Shared.Verdict, Verdict.Asked);
    // At the very end of its stack the thread cannot even be asked: an endless recursion, which may have left it soon.
    const unanswered = new Promise<void>((resolve) => {
      session.post("Runtime.evaluate", { expression: beforeTermination(anyway) }, (error, answer) => {
        if (error || answer.exceptionDetails) resolve();
      });
    });
    const answered = (Atomics as unknown as WaitAsync).waitAsync(this.#shared, Shared.Verdict, Verdict.Asked).value;
    await Promise.race([answered, unanswered]);
    const verdict = Atomics.load(this.#shared, Shared.Verdict);
    const granted = verdict === Verdict.Granted || (verdict === Verdict.Asked && ++this.#unanswered > MOST_UNANSWERED);
    if (granted && spare) Atomics.store(this.#shared, Shared.Verdict, Verdict.Spared);
    else if (granted) {
      const terminated = new Promise<void>((resolve) => session.post("Runtime.terminateExecution", () => resolve()));
      Atomics.store(this.#shared, Shared.Verdict, Verdict.Sent);
      await terminated;
      // Told again: the first message may have been what was terminated.
      this.#tell(number, true);
    }
    session.disconnect();
    return granted;
  }
}
