import type { Evidence, Finding } from "./outcome";
import { sameValue, showValue } from "./show-value";

/** Thrown inside a check to end it with an outcome that is neither a pass nor a failure. */
export class Verdict {
  constructor(
    readonly status: "untouched" | "unavailable",
    readonly reason: string,
  ) {}
}

/**
 * The assertions of a check. None of them throws: a check goes on, and its card shows every row.
 * Each returns whether it held, for checks whose later steps need an earlier one.
 */
export class Expectations {
  readonly findings: Finding[] = [];
  readonly evidences: Evidence[] = [];
  readonly awards: { points: number; reason: string }[] = [];
  nextStep = "";

  /** Deep equality of plain data. */
  equal(observed: unknown, expected: unknown, what: string): boolean {
    return this.#row(what, sameValue(observed, expected), showValue(expected), showValue(observed));
  }

  notEqual(observed: unknown, unwanted: unknown, what: string): boolean {
    return this.#row(what, !sameValue(observed, unwanted), `anything but ${showValue(unwanted)}`, showValue(observed));
  }

  /** True exactly: a truthy value is not enough. `observed` is what the card shows beside it. */
  ok(holds: boolean, what: string, observed: unknown = holds): boolean {
    return this.#row(
      what,
      holds === true,
      "yes",
      typeof observed === "boolean" ? (observed ? "yes" : "no") : showValue(observed),
    );
  }

  match(observed: unknown, pattern: RegExp, what: string): boolean {
    // A learner's value may carry methods of its own: only real text is matched.
    return this.#row(
      what,
      typeof observed === "string" && pattern.test(observed),
      `text like ${pattern}`,
      showValue(observed),
    );
  }

  /** low <= observed <= high, for real numbers only. */
  within(observed: unknown, low: number, high: number, what: string): boolean {
    const holds = typeof observed === "number" && observed >= low && observed <= high;
    return this.#row(what, holds, `${low} to ${high}`, showValue(observed));
  }

  oneOf(observed: unknown, allowed: readonly unknown[], what: string): boolean {
    return this.#row(
      what,
      allowed.some((one) => sameValue(observed, one)),
      allowed.map((one) => showValue(one)).join(" or "),
      showValue(observed),
    );
  }

  /** A row that failed whatever was seen: for a step that could not even be tried. */
  fail(what: string, expected: string, observed: unknown): false {
    this.#row(what, false, expected, typeof observed === "string" ? observed : showValue(observed));
    return false;
  }

  /** The learner's value, or the outcome "untouched" when the stub left it empty. */
  answered<T>(value: T, what: string): NonNullable<T> {
    if (value === undefined || value === null || (typeof value === "string" && value.trim() === "")) {
      throw new Verdict("untouched", `${what} is still empty`);
    }
    return value as NonNullable<T>;
  }

  /** Ends the check: this engine or broker cannot show it. Say which can. */
  unavailable(reason: string): never {
    throw new Verdict("unavailable", reason);
  }

  /** Points for a part, with the reason that the card and the report state. With any award, rows earn nothing by themselves. */
  award(points: number, reason: string): void {
    if (!Number.isFinite(points) || points < 0) throw new RangeError("an award is a number of points from 0");
    this.awards.push({ points, reason });
  }

  /** What decided: a packet, a log line. Shown on the card. */
  evidence(title: string, lines: readonly string[] | string): void {
    const all = typeof lines === "string" ? lines.split("\n") : lines;
    // Mosquitto's seconds since 1970: no reader compares those by eye.
    this.evidences.push({ title, lines: all.map((line) => line.replace(/^\d{9,11}: /, "")) });
  }

  /** Where a learner should look when this check isn't passed. The last one set before a failing row stays. */
  lookAt(step: string): void {
    if (!this.failed) this.nextStep = step;
  }

  get failed(): boolean {
    return this.findings.some((finding) => !finding.ok);
  }

  #row(what: string, ok: boolean, expected: string, observed: string): boolean {
    this.findings.push({ what, ok, expected, observed });
    return ok;
  }
}
