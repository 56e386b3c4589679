/** `npm run prove`: every exercise's stub earns nothing, its right answers all, each wrong one fails for its own reason. */
import type { Outcome } from "../checks/outcome";
import { executeNotebook, type RunnableNotebook } from "../kernel/execute";
import { notebooksFolder } from "../lab/lesson-files";
import { type Cell, isGraded, type Notebook } from "../notebook/model";
import { printError, type Tool } from "./cli";
import type { GradedCheck } from "./grading/result";
import { type GradedRun, gradeNotebook } from "./grading/run";
import { together } from "./grading/together";
import { pickLabs } from "./lab-list";
import { checkId, type Exercise, exercisesOf, readLab, solvedLab, type Variant, variantsOf } from "./lab-notebook";
import { outcomesOf, wordsOf } from "./outputs";
import { pool } from "./pool";
import { exitCodeFor } from "./words";

/** One variant's proof. */
export interface Proof {
  readonly lab: string;
  readonly exercise: string;
  /** stub, solution, other, wrong-NAME, cheat-NAME; "all" for what is missing beside the exercise. */
  readonly variant: string;
  readonly ok: boolean;
  readonly score: number;
  readonly points: number;
  /** Why it isn't proven. */
  readonly error: string | null;
}

interface Task {
  readonly lab: string;
  readonly exercise: Exercise;
  readonly variant: Variant | { name: "stub"; kind: "stub"; source: undefined; expect: undefined };
}

const STUB = { name: "stub", kind: "stub", source: undefined, expect: undefined } as const;
/** Kernels at once. */
const JOBS = 2;

export const main: Tool = async ({ words, options }) => {
  const say = options.json ? console.error : console.log;
  try {
    const labs = pickLabs(words, "npm run prove");
    const proofs = await proveLabs(
      labs.map((lab) => lab.slug),
      (proof) => say(line(proof)),
    );
    const wrong = proofs.filter((proof) => !proof.ok).length;
    if (options.json) console.log(JSON.stringify({ ok: wrong === 0, proofs }, null, 2));
    say(`${proofs.length - wrong} proven, ${wrong} not`);
    return wrong ? 1 : 0;
  } catch (error) {
    printError(error);
    return exitCodeFor(error);
  }
};

/** @param only which exercises, by id. Default all. */
export async function proveLabs(
  labs: readonly string[],
  onProof?: (proof: Proof) => void,
  only: (exercise: string) => boolean = () => true,
): Promise<Proof[]> {
  const tasks: Task[] = [];
  const missing: Proof[] = [];
  for (const lab of labs) {
    for (const exercise of exercisesOf(readLab(lab)).filter(({ id }) => only(id))) {
      const variants = variantsOf(lab, exercise.id);
      missing.push(...lacks(lab, exercise, variants));
      for (const variant of [STUB, ...variants]) tasks.push({ lab, exercise, variant });
    }
  }
  for (const proof of missing) onProof?.(proof);
  const byTask = new Map<Task, Proof>();
  const note = (task: Task, proof: Proof): void => {
    byTask.set(task, proof);
    onProof?.(proof);
  };
  const alone: Task[] = [];
  await pool(roundsOf(tasks), JOBS, async (round) => {
    for (const [task, proof] of await proveTogether(round)) {
      if (proof?.ok) note(task, proof);
      else alone.push(task);
    }
  });
  // What isn't proven in company may have suffered from it: only alone its failure counts.
  await pool(alone, JOBS, async (task) => note(task, await prove(task)));
  return [...missing, ...tasks.map((task) => byTask.get(task) as Proof)];
}

/** One variant of each exercise of a lab at a time: a round is one run of the notebook. Cheats are runs of their own. */
function roundsOf(tasks: readonly Task[]): Task[][] {
  const rounds: Task[][] = [];
  for (const lab of new Set(tasks.map((task) => task.lab))) {
    const ofLab = tasks.filter((task) => task.lab === lab && task.variant.kind !== "cheat");
    const columns = [...new Set(ofLab.map((task) => task.exercise))].map((exercise) =>
      ofLab.filter((task) => task.exercise === exercise),
    );
    const longest = Math.max(0, ...columns.map((column) => column.length));
    for (let i = 0; i < longest; i++) rounds.push(columns.flatMap((column) => column[i] ?? []));
  }
  return [...rounds, ...tasks.filter((task) => task.variant.kind === "cheat").map((task) => [task])];
}

/**
 * A round's proofs; null where the run itself failed. The course's own cells run together here, in half the time; as
 * learners run them they are run by `prove`, where a proof is missing, and by `npm run course`.
 */
async function proveTogether(round: readonly Task[]): Promise<[Task, Proof | null][]> {
  const [first] = round;
  if (!first || round.length === 1) return first ? [[first, await prove(first)]] : [];
  const made = notebookWith(round);
  try {
    const shown = await outcomesIn({ ...made, cells: together(made.cells) });
    return round.map((task) => [task, proofFrom(task, made, shown)]);
  } catch {
    return round.map((task) => [task, null]);
  }
}

/** An exercise without its solution or with fewer than three wrong answers is not proven. */
function lacks(lab: string, exercise: Exercise, variants: readonly Variant[]): Proof[] {
  const wrong = variants.filter((one) => one.kind === "wrong").length;
  const errors = [
    ...(variants.some((one) => one.kind === "solution") ? [] : ["there is no solution.ts"]),
    ...(wrong >= 3 ? [] : [`there are ${wrong} wrong answers (wrong-NAME.ts), three at least are wanted`]),
    ...variants
      .filter((one) => one.kind === "wrong" && !one.expect)
      .map((one) => `${one.name}.ts does not begin with // expect: …`),
  ];
  const nothing = { lab, exercise: exercise.id, variant: "all", ok: false, score: 0, points: 0 };
  return errors.map((error) => ({ ...nothing, error }));
}

async function prove(task: Task): Promise<Proof> {
  const made = notebookWith([task]);
  try {
    if (task.variant.kind === "cheat") return await proveCheat(task, made);
    return proofFrom(task, made, await outcomesIn(made));
  } catch (error) {
    return proofOf(task, made, 0, `${error}`);
  }
}

/** What the checks of a run found, and the first cell that failed without being meant to. */
interface Shown {
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly broken: string;
}

async function outcomesIn(made: Notebook): Promise<Shown> {
  const run = await executeNotebook(made as unknown as RunnableNotebook, {
    cwd: notebooksFolder(),
    allowErrors: true,
    // No progress is written down, and no picture drawn again that nobody looks at.
    kernelEnv: { MQTT_LAB_PROGRESS: "", MQTT_LAB_UNSEEN: "1" },
  });
  const notebook = run.notebook as unknown as Notebook;
  const broken = run.cells.find((cell) => cell.status !== "ok" && !expectedToFail(notebook, cell.index));
  const why = broken ? `cell ${broken.id}: ${broken.error?.ename}: ${broken.error?.evalue}` : "the check did not run";
  return { outcomes: outcomesOf(notebook), broken: why };
}

function proofFrom(task: Task, made: Notebook, shown: Shown): Proof {
  const { checks } = task.exercise;
  const outcomes = checks.flatMap((id) => shown.outcomes.get(id) ?? []);
  const score = outcomes.reduce((sum, outcome) => sum + outcome.score, 0);
  if (outcomes.length < checks.length) return proofOf(task, made, score, `no card: ${shown.broken}`);
  return proofOf(task, made, score, verdict(task.variant, outcomes, score, pointsOf(made, task.exercise)));
}

function proofOf(task: Task, made: Notebook, score: number, error: string | null): Proof {
  const { lab, exercise, variant } = task;
  const points = pointsOf(made, exercise);
  return { lab, exercise: exercise.id, variant: variant.name, ok: error === null, score, points, error };
}

const expectedToFail = (notebook: Notebook, index: number) =>
  notebook.cells[index]?.metadata.tags?.includes("raises-exception") ?? false;

function verdict(variant: Task["variant"], outcomes: readonly Outcome[], score: number, points: number): string | null {
  const errors = outcomes.filter((outcome) => outcome.status === "error");
  if (errors.length) return `the check itself is wrong: ${errors.map(wordsOf).join("\n")}`;
  const passed = outcomes.every((outcome) => outcome.status === "passed") && score === points;
  const said = outcomes
    .filter((outcome) => outcome.status !== "passed")
    .map(wordsOf)
    .join("\n");
  switch (variant.kind) {
    case "stub":
      return score === 0 ? null : `the stub earns ${score}`;
    case "solution":
    case "other":
      return passed || outcomes.every((outcome) => outcome.status === "unavailable")
        ? null
        : `earns ${score} of ${points}\n${said}`;
    default:
      if (passed) return "passes";
      if (!variant.expect) return "has no // expect: line";
      return said.includes(variant.expect) ? null : `fails for another reason than "${variant.expect}"\n${said}`;
  }
}

/** A cheat is graded as a submission, by the judge. */
async function proveCheat(task: Task, made: Notebook): Promise<Proof> {
  const { lab, exercise, variant } = task;
  const proof = (score: number, error: string | null) => proofOf(task, made, score, error);
  const graded = await gradeNotebook(made, { lab, pristine: made, seed: "prove" });
  const earned = graded.checks.filter((check) => exercise.checks.includes(check.id) && check.score > 0);
  const score = earned.reduce((sum, check) => sum + check.score, 0);
  if (earned.length) return proof(score, `the cheat earns ${score}`);
  // That it fails is not enough: a cheat that does not even run would prove nothing.
  const said = graded.checks
    .filter((check) => exercise.checks.includes(check.id))
    .map(saidOf(graded))
    .join("\n");
  const missed = variant.expect && !said.includes(variant.expect);
  return proof(0, missed ? `fails for another reason than "${variant.expect}"\n${said}` : null);
}

const saidOf =
  (graded: GradedRun) =>
  ({ id, message }: GradedCheck): string => {
    const outcome = graded.outcomes.get(id);
    return outcome ? wordsOf(outcome) : message;
  };

/** The solved notebook with these variants in place, as far as their last check, without the other exercises' checks. */
function notebookWith(round: readonly Task[]): Notebook {
  const lab = round[0]!.lab;
  const made = solvedLab(lab, Object.fromEntries(round.map((task) => [task.exercise.id, task.variant.source])));
  const checks = new Set(round.flatMap((task) => task.exercise.checks));
  const isOwn = (cell: Cell) => isGraded(cell) && checks.has(checkId(cell));
  const last = made.cells.map(isOwn).lastIndexOf(true);
  return { ...made, cells: made.cells.slice(0, last + 1).filter((cell) => !isGraded(cell) || isOwn(cell)) };
}

function pointsOf(notebook: Notebook, exercise: Exercise): number {
  return notebook.cells
    .filter((cell) => isGraded(cell) && exercise.checks.includes(checkId(cell)))
    .reduce((sum, cell) => sum + (cell.metadata.nbgrader?.points ?? 0), 0);
}

function line(proof: Proof): string {
  const head = `${proof.ok ? "ok  " : "NOT "} ${proof.lab} ${proof.exercise} ${proof.variant}: ${proof.score} of ${proof.points}`;
  return proof.error ? `${head}\n${proof.error.replace(/^/gm, "     ")}` : head;
}
