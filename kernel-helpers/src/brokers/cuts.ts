/** Which names of a lab are cut from each other: what every engine's links come down to. Pure. */
import { LabError } from "../core/errors";
import type { EngineBroker, Link } from "./engine";

export class Cuts {
  readonly #pairs: [string, string][] = [];

  get pairs(): readonly (readonly [string, string])[] {
    return this.#pairs;
  }

  has(a: string, b: string): boolean {
    return this.#at(a, b) >= 0;
  }

  add(a: string, b: string): void {
    if (!this.has(a, b)) this.#pairs.push([a, b]);
  }

  remove(a: string, b: string): void {
    const at = this.#at(a, b);
    if (at >= 0) this.#pairs.splice(at, 1);
  }

  /** A broker is gone: its successor of the same name begins with nothing cut. */
  forget(name: string): void {
    for (let at = this.#pairs.length - 1; at >= 0; at--) if (this.#pairs[at]!.includes(name)) this.#pairs.splice(at, 1);
  }

  #at(a: string, b: string): number {
    return this.#pairs.findIndex(([x, y]) => (x === a && y === b) || (x === b && y === a));
  }
}

/**
 * A link whose state is in the lab's list of cuts; two links between the same brokers are one.
 * @param apply carries out what the list says now. @param gone whether a broker was removed.
 */
export function linkOf(
  cuts: Cuts,
  [a, b]: readonly [EngineBroker, EngineBroker],
  gone: (broker: EngineBroker) => boolean,
  apply: () => Promise<void>,
): Link {
  const change = async (cut: boolean) => {
    for (const broker of [a, b]) if (gone(broker)) throw goneError(broker);
    if (cuts.has(a.name, b.name) === cut) return;
    if (cut) cuts.add(a.name, b.name);
    else cuts.remove(a.name, b.name);
    await apply();
  };
  return {
    get state() {
      return cuts.has(a.name, b.name) ? "cut" : "up";
    },
    cut: () => change(true),
    mend: () => change(false),
  };
}

/** @throws LabError BAD_ARGUMENT: a link is between two brokers of one lab. */
export function noLink(): LabError {
  return new LabError("BAD_ARGUMENT", "a link is between two brokers of one lab", "give two brokers of this lab");
}

const goneError = (broker: EngineBroker): LabError =>
  new LabError("NOT_IN_A_LAB", `${broker.name} was removed`, "start both brokers again, then make the link again");
