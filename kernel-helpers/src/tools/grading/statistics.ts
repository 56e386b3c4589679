/** What an instructor asks of a class: which checks were passed, what went wrong most often, what took long. Pure. */
import type { Reported } from "./result";

export interface CheckStatistics {
  readonly lab: string;
  readonly id: string;
  readonly points: number;
  readonly submissions: number;
  readonly passed: number;
  /** Some of the points. */
  readonly partly: number;
  /** Mean score. */
  readonly mean: number;
  /** What was seen most often where it was not passed, and how often; "" when all passed. */
  readonly wrong: string;
  readonly wrongTimes: number;
  /** Median of what the check took, in seconds; null when none ran. */
  readonly seconds: number | null;
}

/** In the order of the labs and their checks. */
export function statisticsOf(submissions: readonly Reported[]): CheckStatistics[] {
  const rows = new Map<string, { lab: string; id: string; points: number; of: Reported[] }>();
  for (const one of submissions) {
    for (const { id, points } of one.checks) {
      const key = `${one.lab}\0${id}`;
      const row = rows.get(key) ?? { lab: one.lab, id, points, of: [] };
      row.of.push(one);
      rows.set(key, row);
    }
  }
  return [...rows.values()].sort((a, b) => a.lab.localeCompare(b.lab)).map(statistics);
}

function statistics({
  lab,
  id,
  points,
  of,
}: {
  lab: string;
  id: string;
  points: number;
  of: Reported[];
}): CheckStatistics {
  const checks = of.flatMap((one) => one.checks.filter((check) => check.id === id));
  const failures = of.flatMap((one) => wrongOf(one, id));
  const counts = new Map<string, number>();
  for (const text of failures) counts.set(text, (counts.get(text) ?? 0) + 1);
  const [wrong, wrongTimes] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? ["", 0];
  const times = of.flatMap((one) => one.times[id] ?? []).sort((a, b) => a - b);
  return {
    lab,
    id,
    points,
    submissions: checks.length,
    passed: checks.filter((check) => check.status === "passed").length,
    partly: checks.filter((check) => check.status !== "passed" && check.score > 0).length,
    mean: checks.reduce((sum, check) => sum + check.score, 0) / Math.max(1, checks.length),
    wrong,
    wrongTimes,
    seconds: times.length ? times[Math.floor(times.length / 2)]! : null,
  };
}

/** The first row that was not met, as learners' random names leave it; else the reason that there is no verdict. */
function wrongOf(one: Reported, id: string): string[] {
  const check = one.checks.find((each) => each.id === id);
  if (!check || check.status === "passed") return [];
  const row = one.outcomes.get(id)?.findings.find((finding) => !finding.ok);
  const text = row ? `${row.what}: ${row.observed}` : `${check.status}: ${check.message}`;
  // Each learner's topics and ids are others.
  return [text.replace(/\b[0-9a-f]{8}\b/g, "…").slice(0, 160)];
}
