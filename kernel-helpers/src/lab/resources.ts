import { LabError } from "../core/errors";
import { Turns } from "../core/turns";

interface Resource {
  readonly key: string;
  /** Keys of what this one stands on: a client stands on its tap, a tap on its broker. */
  readonly on: readonly string[];
  end(): Promise<void>;
}

/**
 * What a lab has open, by name. The same name again ends the old one first, and whatever stands on it before that:
 * a client before its tap, a tap before its broker. So any cell may run twice, in any order.
 */
export class Resources {
  #open = new Map<string, Resource>();
  readonly #turns = new Turns();
  #closed = false;

  /** Ends what has this key, then makes the new one. One at a time, so that two cells cannot both replace it. */
  replace<T>(
    key: string,
    on: readonly string[],
    make: () => Promise<{ value: T; end: () => Promise<void> }>,
  ): Promise<T> {
    return this.#turns.take(async () => {
      if (this.#closed) throw closedLab();
      await this.#end(key);
      const { value, end } = await make();
      this.#open.set(key, { key, on, end });
      return value;
    });
  }

  /** Ends whatever stands on this key, newest first, and leaves the thing itself. */
  async endAbove(key: string): Promise<void> {
    const above = [...this.#open.values()].reverse().filter((one) => one.on.includes(key));
    for (const one of above) await this.#end(one.key);
  }

  /** Forgets a resource that ended by itself. */
  forget(key: string): void {
    this.#open.delete(key);
  }

  get keys(): string[] {
    return [...this.#open.keys()];
  }

  /** Ends everything, newest first; later calls of `replace` fail. Waits for what is being made right now. */
  async close(): Promise<void> {
    await this.#turns.idle();
    this.#closed = true;
    const failures: unknown[] = [];
    for (const key of [...this.#open.keys()].reverse()) {
      try {
        await this.#end(key);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length) throw new AggregateError(failures, "some resources of the lab did not end");
  }

  async #end(key: string): Promise<void> {
    const resource = this.#open.get(key);
    if (!resource) return;
    await this.endAbove(key);
    this.#open.delete(key);
    await resource.end();
  }
}

export function closedLab(): LabError {
  return new LabError("NOT_IN_A_LAB", "this lab is closed", "run the notebook's first cell again: it opens the lab");
}
