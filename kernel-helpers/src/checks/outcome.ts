/** What a check found. Page-safe: types and pure functions only. */

/**
 * passed · partly (some points) · failed · untouched (the stub as it was handed out) · unavailable (this engine or
 * broker version cannot show it) · error (the check itself or the answer threw).
 */
export type CheckStatus = "passed" | "partly" | "failed" | "untouched" | "unavailable" | "error";

/** One assertion: what was expected, what was seen. Values are shown, so they are text already. */
export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly expected: string;
  readonly observed: string;
}

/** The packet or log line that decided, in words. */
export interface Evidence {
  readonly title: string;
  readonly lines: readonly string[];
}

export interface Outcome {
  readonly id: string;
  readonly status: CheckStatus;
  /** What can be earned, and what was. */
  readonly points: number;
  readonly score: number;
  readonly findings: readonly Finding[];
  readonly evidence: readonly Evidence[];
  /** Why there are points for a part, or none: one sentence each. */
  readonly reasons: readonly string[];
  /** Where to look next, for anything but a pass. */
  readonly next: string;
  /** True when the check was ended because its time was up. */
  readonly timedOut?: boolean;
}

/** One line for terminals and reports: "retained-1: passed, 2 of 2 points". */
export function summary(outcome: Outcome): string {
  return `${outcome.id}: ${outcome.status}, ${outcome.score} of ${outcome.points} point${outcome.points === 1 ? "" : "s"}`;
}
