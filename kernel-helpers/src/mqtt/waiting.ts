/** Wakes those who wait for something to happen. */
export class Waiting {
  readonly #wake = new Set<() => void>();

  /** Something happened: everyone looks again. */
  notify(): void {
    for (const wake of [...this.#wake]) wake();
  }

  /** Calls `run` at every notify. Returns a function that ends it. */
  watch(run: () => void): () => void {
    const wake = () => run();
    this.#wake.add(wake);
    return () => this.#wake.delete(wake);
  }

  /** Resolves at the next notify, or after `ms`. */
  change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wake.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#wake.add(wake);
    });
  }

  /** The first answer that is not undefined. Undefined after `timeout` ms, or as soon as `over()` says that none will come. */
  async until<T>(
    look: () => T | undefined,
    timeout: number,
    over: () => boolean = () => false,
  ): Promise<T | undefined> {
    let deadline = Date.now() + timeout;
    for (let grace = GRACE; ; ) {
      const found = look();
      const left = deadline - Date.now();
      if (found !== undefined || left <= 0 || over()) return found;
      await this.change(left);
      // A process that did not get to run has news that it has not read yet.
      if (Date.now() - deadline < LATE) continue;
      deadline = Date.now() + grace;
      grace = 0;
    }
  }
}

/** Milliseconds: when a timer is so late, the process stood still; so long it waits on then. */
const LATE = 100;
const GRACE = 500;
