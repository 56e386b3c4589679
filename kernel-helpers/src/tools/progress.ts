/** `npm run progress`: where a learner stands in all labs, from the results beside the notebooks. Runs nothing. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { courseRoot } from "../core/paths";
import { type KeptCheck, markOfText, ProgressFile } from "../lab/progress-state";
import { answersOf } from "../notebook/graft";
import { isGraded, type Notebook, parseNotebook, sourceOf } from "../notebook/model";
import { columns, printError, type Tool } from "./cli";
import { pickLabs } from "./lab-list";
import { checkId, exercisesOf, readLab } from "./lab-notebook";
import { exitCodeFor } from "./words";

/** One check, as it went when it ran last, and whether that still holds. */
export interface CheckProgress {
  readonly id: string;
  readonly status: KeptCheck["status"] | "not run yet";
  readonly score: number;
  readonly points: number;
  /** ISO time; null when it never ran. */
  readonly at: string | null;
  /** What has changed since, so that the result may not hold any more; "" when nothing has. */
  readonly since: string;
}

export interface LabProgress {
  readonly lab: string;
  /** Whether there is a copy of the learner's. */
  readonly begun: boolean;
  readonly score: number;
  readonly points: number;
  readonly checks: readonly CheckProgress[];
}

export const main: Tool = async ({ words, options }) => {
  try {
    const labs = pickLabs(words, "npm run progress").map(({ slug }) => progressOf(slug));
    if (options.json) console.log(JSON.stringify({ labs }, null, 2));
    else console.log(labs.map(labText).join("\n\n"));
    return 0;
  } catch (error) {
    printError(error);
    return exitCodeFor(error);
  }
};

/** @param mine the folder of the learner's copies. */
export function progressOf(slug: string, mine = join(courseRoot, "notebooks", "mine")): LabProgress {
  const pristine = readLab(slug);
  const { copy, broken } = copyOf(join(mine, `${slug}.ipynb`));
  const kept = new ProgressFile(slug).read().checks;
  const exercises = exercisesOf(pristine);
  const checks = pristine.cells.filter(isGraded).map((cell): CheckProgress => {
    const id = checkId(cell);
    const points = cell.metadata.nbgrader?.points ?? 0;
    const last = kept[id];
    if (!last) return { id, status: "not run yet", score: 0, points, at: null, since: "" };
    const exercise = exercises.find((one) => one.checks.includes(id))?.id;
    const score = Math.min(last.score, points);
    const since = broken || changes(last, copy, pristine, exercise, markOfText(sourceOf(cell)));
    return { id, status: last.status, score, points, at: last.at, since };
  });
  const sum = (key: "score" | "points") => checks.reduce((total, check) => total + check[key], 0);
  return { lab: slug, begun: copy !== undefined || broken !== "", score: sum("score"), points: sum("points"), checks };
}

function copyOf(file: string): { copy: Notebook | undefined; broken: string } {
  if (!existsSync(file)) return { copy: undefined, broken: "" };
  try {
    return { copy: parseNotebook(readFileSync(file, "utf8"), file), broken: "" };
  } catch {
    return { copy: undefined, broken: "the copy cannot be read as a notebook" };
  }
}

function changes(
  last: KeptCheck,
  copy: Notebook | undefined,
  pristine: Notebook,
  exercise: string | undefined,
  check: string,
): string {
  if (!copy) return "there is no copy of the notebook any more";
  if (last.check !== undefined && last.check !== check) return "the course has changed this check";
  if (exercise === undefined) return "";
  const text = answersOf(copy, pristine).answers[exercise];
  if (text === undefined) return "the exercise's cell is gone";
  if (last.ran === undefined) return "whether the answer was changed is not known";
  return last.ran.includes(markOfText(text)) ? "" : "the answer was changed, or not saved, since it ran";
}

function labText(lab: LabProgress): string {
  const changed = lab.checks.filter((check) => check.since).length;
  const doubt = changed ? `, ${changed} of ${lab.checks.length} results may not hold any more` : "";
  const head = `${lab.lab}: ${lab.score} of ${lab.points} points${doubt}`;
  if (!lab.begun && !lab.checks.some((check) => check.at)) return `${head} (not begun)`;
  const rows = lab.checks.map((check) => [
    `  ${check.id}`,
    check.status,
    `${check.score} of ${check.points}`,
    check.at ? new Date(check.at).toLocaleString("sv-SE").slice(0, 16) : "",
    check.since ? `! ${check.since}` : "",
  ]);
  return `${head}\n${columns(rows)}`;
}
