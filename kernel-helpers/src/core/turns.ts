/**
 * Waiting for one's turn in a kernel whose JavaScript may be terminated. V8 drops the continuations that were due at that
 * moment: promises that stand on them never settle, and whoever waits for one waits for good. So nobody waits for what
 * was under way when a termination came.
 */
const KERNEL = Symbol.for("mqtt-notebooks.kernel");

/** How often this kernel's JavaScript was terminated until now; 0 outside of a kernel. */
const terminations = (): number =>
  (globalThis as { [KERNEL]?: { terminations?(): number } })[KERNEL]?.terminations?.() ?? 0;

/** One after the other. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #at = 0;

  /** Runs `act` when all before it have ended, however they did. */
  take<Result>(act: () => Promise<Result>): Promise<Result> {
    const turn = this.idle().then(act);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Resolves when all until now have ended. */
  idle(): Promise<unknown> {
    const now = terminations();
    if (now !== this.#at) this.#last = Promise.resolve();
    this.#at = now;
    return this.#last;
  }
}

/** What is made once, at the first call; again where it failed. */
export class Once<Made> {
  #made: Promise<Made> | undefined;
  #settled = false;
  #at = 0;

  get(make: () => Promise<Made>): Promise<Made> {
    const now = terminations();
    if (!this.#settled && now !== this.#at) this.#made = undefined;
    if (this.#made) return this.#made;
    this.#at = now;
    this.#settled = false;
    const made = make().then(
      (value) => {
        if (this.#made === made) this.#settled = true;
        return value;
      },
      (error) => {
        if (this.#made === made) this.#made = undefined;
        throw error;
      },
    );
    this.#made = made;
    return made;
  }
}
