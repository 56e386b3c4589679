import { type Expectations, Verdict } from "./expect";
import type { CheckStatus, Outcome } from "./outcome";
import { showValue } from "./show-value";

/** How long one check may take, in milliseconds. */
export const CHECK_LIMIT = 60_000;

const FALLBACK = "run the cells above again from the top, then read the first row that is not met";
/** Of an exercise that nobody has begun there is no row to read. */
const BEGIN = "write your answer into the exercise's cell above, run that, then run this check again";

/**
 * Runs a check's body and turns what it found into an outcome. Never throws for what an answer does.
 * A body that made no assertion and no award has proven nothing: that is an error of the check, never a pass.
 */
export async function judge<T extends Expectations>(
  id: string,
  points: number,
  t: T,
  body: (t: T) => Promise<void> | void,
  limit = CHECK_LIMIT,
): Promise<Outcome> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let timedOut = false;
  try {
    await Promise.race([
      (async () => body(t))(),
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          timedOut = true;
          reject(new Error(`the check did not come to an end within ${limit / 1000} s`));
        }, limit);
      }),
    ]);
  } catch (thrown) {
    if (thrown instanceof Verdict) return outcome(id, points, t, thrown.status, 0, [thrown.reason]);
    const missing = missingPart(thrown);
    if (missing) return outcome(id, points, t, "error", 0, [`the check itself could not run: ${missing}`]);
    t.fail("the check runs to its end", "no error", describe(thrown));
  } finally {
    clearTimeout(timer);
  }
  return timedOut ? { ...settle(id, points, t), timedOut } : settle(id, points, t);
}

function settle(id: string, points: number, t: Expectations): Outcome {
  if (!t.findings.length && !t.awards.length) {
    return outcome(id, points, t, "error", 0, ["the check asserted nothing"]);
  }
  if (!t.awards.length) return outcome(id, points, t, t.failed ? "failed" : "passed", t.failed ? 0 : points, []);
  const reasons = t.awards.map((award) => `${award.points} point${award.points === 1 ? "" : "s"}: ${award.reason}`);
  const score = t.awards.reduce((sum, award) => sum + award.points, 0);
  if (score > points || (t.failed && score === points)) {
    // Full points over a row that is not met, or more than there are: the check is wrong, and its mark worthless.
    return outcome(id, points, t, "error", 0, [
      ...reasons,
      `awards of ${score} do not fit ${points} points and the rows`,
    ]);
  }
  const status: CheckStatus = t.failed || score < points ? (score > 0 ? "partly" : "failed") : "passed";
  return outcome(id, points, t, status, score, reasons);
}

function outcome(
  id: string,
  points: number,
  t: Expectations,
  status: CheckStatus,
  score: number,
  reasons: string[],
): Outcome {
  return {
    id,
    status,
    points,
    score,
    findings: [...t.findings],
    evidence: [...t.evidences],
    reasons,
    next: status === "passed" ? "" : t.nextStep || (status === "untouched" ? BEGIN : FALLBACK),
  };
}

/** What was thrown, in words, without calling anything of it but its own text. */
function describe(thrown: unknown): string {
  if (typeof thrown === "object" && thrown !== null) {
    const code = own(thrown, "code");
    const message = own(thrown, "message");
    const hint = own(thrown, "hint");
    if (message) return `${code ? `${code}: ` : ""}${message}${hint ? ` — try: ${hint}` : ""}`;
  }
  return showValue(thrown);
}

/** A module that the helpers themselves need and that isn't there: nothing that an answer could mend. */
function missingPart(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || own(thrown, "code") !== "MODULE_NOT_FOUND") return undefined;
  const stack = Object.getOwnPropertyDescriptor(thrown, "requireStack")?.value;
  const needs = Array.isArray(stack) ? String(stack[0]) : "";
  if (!/[\\/]kernel-helpers[\\/]dist[\\/](brokers|certs|checks|lab|mqtt)[\\/]/.test(needs)) return undefined;
  return own(thrown, "message")?.split("\n")[0];
}

function own(value: object, key: string): string | undefined {
  const found = Object.getOwnPropertyDescriptor(value, key)?.value;
  return typeof found === "string" ? found : undefined;
}
