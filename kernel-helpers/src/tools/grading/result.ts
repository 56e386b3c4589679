/** What grading writes down. */
import type { Outcome } from "../../checks/outcome";

export type GradeStatus = "passed" | "failed" | "error" | "timeout" | "missing";

export interface GradedCheck {
  readonly id: string;
  readonly points: number;
  readonly score: number;
  readonly status: GradeStatus;
  readonly message: string;
}

/** One submission's marks, as the JSON report has them. */
export interface Graded {
  readonly file: string;
  readonly learner: string;
  readonly lab: string;
  readonly score: number;
  readonly points: number;
  readonly checks: readonly GradedCheck[];
  /** What was found: changed checks, extra cells, a kernel that ended. */
  readonly notes: readonly string[];
}

/** Marks with what the reports are made from. */
export interface Reported extends Graded {
  /** By check id; a check without a verdict has none. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** By check id: what it took, in seconds. */
  readonly times: Readonly<Record<string, number>>;
  /** How many kernels it took; none where it was not run. */
  readonly kernels?: number;
  /** The whole submission, kernel and brokers included, in seconds. */
  readonly seconds: number;
  /** When it was handed in, where nbgrader's timestamp.txt says so. */
  readonly handedIn: string;
}

/** How a check's cell ended, as far as the runner saw. */
export interface CellEnd {
  readonly how: "ok" | "error" | "timeout" | "died" | "not run";
  readonly message: string;
}

/**
 * A check's mark. The verdict is the judge's; how the cell ended only explains why there is none. Nothing that the
 * kernel printed counts.
 */
export function markOf(id: string, points: number, outcome: Outcome | undefined, end: CellEnd): GradedCheck {
  if (!outcome) {
    const status = { ok: "missing", error: "error", timeout: "timeout", died: "error", "not run": "missing" } as const;
    const message = end.how === "ok" ? "the check was never called" : end.message;
    return { id, points, score: 0, status: status[end.how], message: oneLine(message) };
  }
  return { id, points, score: outcome.score, status: statusOf(outcome), message: messageOf(outcome) };
}

function statusOf(outcome: Outcome): GradeStatus {
  if (outcome.status === "passed") return "passed";
  if (outcome.timedOut) return "timeout";
  return outcome.status === "error" || outcome.status === "unavailable" ? "error" : "failed";
}

function messageOf(outcome: Outcome): string {
  if (outcome.status === "passed") return outcome.reasons.join("; ");
  const row = outcome.findings.find((one) => !one.ok);
  const seen = row && `${row.what}: expected ${row.expected}, observed ${row.observed}`;
  const prefix = outcome.status === "untouched" || outcome.status === "unavailable" ? `${outcome.status}: ` : "";
  return oneLine(prefix + [...outcome.reasons, ...(seen ? [seen] : [])].join("; "));
}

/** Text of a learner's kernel may be long, and may try to draw on a terminal. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to go
  const plain = text.replace(/\x1b\[[0-9;]*[A-Za-z]/g, "").replace(/[\u0000-\u001f\u007f]+/g, " ");
  return plain.length > 500 ? `${plain.slice(0, 499)}…` : plain.trim();
}
