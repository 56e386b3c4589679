import { inspect } from "node:util";

/** One test that failed, with all that is needed to understand it. */
interface Failure {
  readonly name: string;
  readonly error: unknown;
}

/** Counts what tests did and keeps what has to be said at the end. */
export class Tally {
  passed = 0;
  failed = 0;
  skipped = 0;
  readonly failures: Failure[] = [];
  readonly #reasons = new Map<string, string[]>();
  readonly #times = new Map<string, number>();

  pass(): void {
    this.passed++;
  }

  fail(name: string, error: unknown): void {
    this.failed++;
    this.failures.push({ name, error });
  }

  /** @param reason the test's own; a skip that gives none is named so. */
  skip(name: string, reason: string | true): void {
    this.skipped++;
    const key = typeof reason === "string" && reason ? reason : "no reason given";
    this.#reasons.set(key, [...(this.#reasons.get(key) ?? []), name]);
  }

  /** @param time that a file ran, in milliseconds. */
  took(file: string, time: number): void {
    this.#times.set(file, time);
  }

  /** The files that took longest; "" when all were quick. */
  longest(): string {
    const long = [...this.#times].filter(([, time]) => time >= 20_000).sort(([, a], [, b]) => b - a);
    const lines = long.slice(0, 12).map(([file, time]) => `${String(Math.round(time / 1000)).padStart(5)} s  ${file}`);
    return lines.length ? ["Longest files:", ...lines].join("\n") : "";
  }

  /** Which tests failed and which were skipped for what reason; "" when all passed. */
  summary(): string {
    const skips = [...this.#reasons].flatMap(([reason, names]) => {
      const more = names.length > 3 ? `, and ${names.length - 3} more` : "";
      return [`  ${names.length} × ${reason}`, `      ${names.slice(0, 3).join("; ")}${more}`];
    });
    return [
      ...(skips.length ? ["Skipped:", ...skips] : []),
      ...(this.failures.length ? ["Failed:", ...this.failures.map(({ name }) => `  ${name}`)] : []),
    ].join("\n");
  }

  /** The contract's last line, which CI reads. */
  closingLine(): string {
    return `${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`;
  }
}

/** The whole error, with what the test runner wrapped it in taken off. */
export function errorText(error: unknown): string {
  const inner = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (typeof inner === "string") return inner;
  return inspect(inner, { depth: 6, colors: process.stdout.isTTY === true, maxStringLength: 20_000 });
}
