/** Runs one submission in a fresh kernel, with the judge on this side. */

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { sealingEngine } from "../../brokers/docker/sealed";
import type { EngineKind } from "../../brokers/engine";
import { CHECK_LIMIT } from "../../checks/judge";
import type { Outcome } from "../../checks/outcome";
import { LabError } from "../../core/errors";
import { cachePath } from "../../core/paths";
import type { Scope } from "../../core/scope";
import { processStarted } from "../../core/session";
import { openScope } from "../../kernel/watch";
import { bodyOf, type CheckTexts, checkTexts } from "../../lab/judge-body";
import { JudgeServer } from "../../lab/judge-server";
import { type Cell, isCode, isGraded, isSolution, type Notebook, sourceOf } from "../../notebook/model";
import { checkId } from "../lab-notebook";
import type { Isolation } from "./isolation";
import { GradedKernel, type KernelPlan } from "./kernel";
import { DEFAULT_LIMITS, type Limits } from "./limits";
import { type CellEnd, type GradedCheck, markOf } from "./result";
import { type Together, together } from "./together";

export type { Limits } from "./limits";

export interface GradeRun {
  readonly lab: string;
  /** Where the checks' own text and points come from. */
  readonly pristine: Notebook;
  /** Topics, ids and numbers of the checks come from it. */
  readonly seed: string;
  readonly engine?: EngineKind | "auto";
  readonly limits?: Limits;
  /** Where the learner's kernel runs. Default: a process of this machine. */
  readonly isolation?: Isolation;
  /** The checks by id, where whoever calls has them already (`checkTexts`). */
  readonly texts?: Readonly<Record<string, CheckTexts>>;
}

export interface GradedRun {
  readonly checks: readonly GradedCheck[];
  /** By check id, for the report. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly notes: readonly string[];
  /** By check id, in seconds. */
  readonly times: Readonly<Record<string, number>>;
  /** How many kernels it took: more than one where one ended, or cells had to run again. */
  readonly kernels: number;
}

/** Grades a notebook that has the learner's answers in it already. Nothing it started is left afterwards. */
export async function gradeNotebook(notebook: Notebook, run: GradeRun): Promise<GradedRun> {
  await mkdir(cachePath("grading"), { recursive: true });
  const folder = mkdtempSync(cachePath("grading", "kernel-"));
  const scope = await openScope("grading");
  const sealed = await sealedBy(run.isolation, scope);
  let grading: Grading | undefined;
  const reach = async (port: number): Promise<void> => grading?.reach(port);
  const expose = async (port: number): Promise<void> => grading?.expose(port);
  const judge = await JudgeServer.open({ lab: run.lab, engine: run.engine, seed: run.seed, reach, expose });
  // Also when this process is killed nothing stays behind.
  const held = [folder, judge.folder].flatMap((path) => (path ? [scope.guard.hold({ kind: "folder", path })] : []));
  const holdKernel = (pid: number): void => {
    held.push(scope.guard.hold({ kind: "process", pid, started: processStarted(pid) ?? "" }));
  };
  grading = new Grading(notebook, run, judge, { folder, sealed, holdKernel });
  try {
    await grading.run();
    return grading;
  } finally {
    await grading.end();
    await judge.close();
    await scope.close();
    rmSync(folder, { recursive: true, force: true });
    for (const letGo of held) letGo();
  }
}

async function emptyFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  await mkdir(folder, { recursive: true });
}

async function sealedBy(isolation: Isolation | undefined, scope: Scope): Promise<KernelPlan["sealed"]> {
  if (isolation?.kind !== "docker") return undefined;
  const engine = await sealingEngine();
  if (engine) {
    // However this process ends, the learner's container ends with it.
    scope.guard.hold({ kind: "containers", session: scope.session.id, engine: engine.address });
    return { docker: engine.docker, volume: isolation.volume };
  }
  throw new LabError("ENGINE_LOST", "the container engine went away while it graded", "start it, then: --resume");
}

type Place = Pick<KernelPlan, "folder" | "sealed"> & { holdKernel(pid: number): void };

class Grading implements GradedRun {
  readonly checks: GradedCheck[] = [];
  readonly outcomes = new Map<string, Outcome>();
  readonly notes: string[] = [];
  readonly times: Record<string, number> = {};
  kernels = 0;
  readonly #cells: Together[];
  readonly #run: GradeRun;
  readonly #judge: JudgeServer;
  readonly #place: Place;
  readonly #deadline: number;
  /** Cells that ended their kernel or never ended: they are not run again. */
  readonly #lethal = new Set<Cell>();
  /** How the last of the learner's cells ended: it explains a check that has no verdict. */
  #exercise: { id: string; end: CellEnd } | undefined;
  #kernel: GradedKernel | undefined;

  constructor(notebook: Notebook, run: GradeRun, judge: JudgeServer, place: Place) {
    this.#cells = together(cellsThatCount(notebook));
    this.#run = run;
    this.#judge = judge;
    this.#place = place;
    this.#deadline = Date.now() + (run.limits?.submission ?? DEFAULT_LIMITS.submission);
  }

  async run(): Promise<void> {
    for (let index = 0; index < this.#cells.length; index++) {
      const cell = this.#cells[index]!;
      const graded = isGraded(cell);
      if (Date.now() > this.#deadline) {
        if (graded)
          this.#mark(cell, undefined, { how: "timeout", message: "the submission's time was used up before" });
        continue;
      }
      if (graded) await this.#check(cell, index);
      else if (!(await this.#own(cell, index))) index--;
    }
  }

  /** A port of the judge's that the kernel may connect to. */
  async reach(port: number): Promise<void> {
    await this.#kernel?.reach(port);
  }

  /** A port of the kernel's that the judge's brokers may connect to. */
  async expose(port: number): Promise<void> {
    await this.#kernel?.expose(port);
  }

  /** Returns false where cells that ran as one have to run again, one by one. */
  async #own(cell: Together, index: number): Promise<boolean> {
    const end = await this.#execute(cell, index);
    if (isSolution(cell)) this.#exercise = { id: cell.id, end };
    if (end.how === "ok" || !cell.parts) return true;
    // Alone, those behind the one that broke would have had their turn.
    this.#cells.splice(index, 1, ...cell.parts);
    await this.#kernel?.end();
    return false;
  }

  async end(): Promise<void> {
    await this.#kernel?.end();
  }

  async #check(cell: Cell, index: number): Promise<void> {
    const id = checkId(cell);
    const pristine = this.#run.pristine.cells.find((one) => checkId(one) === id) ?? cell;
    const limit = this.#run.limits?.check ?? CHECK_LIMIT;
    const points = pristine.metadata.nbgrader?.points ?? 0;
    const { call, body } = this.#run.texts?.[id] ?? checkTexts(sourceOf(pristine), id);
    const turn = { id, points, body: bodyOf(body, id), limit };
    let began = Date.now();
    const before = () => {
      began = Date.now();
      this.#judge.expect(turn);
    };
    const end = await this.#execute({ ...pristine, source: call }, index, { limit: limit + 15_000, before });
    this.times[id] = (Date.now() - began) / 1000;
    this.#mark(cell, await this.#judge.settle(), this.#explained(end));
  }

  /** A check that could not be called has its reason in the exercise before it. */
  #explained(end: CellEnd): CellEnd {
    const exercise = this.#exercise;
    if (!exercise || exercise.end.how === "ok" || end.how === "died") return end;
    const { how, message } = exercise.end;
    const also = end.how === "ok" ? "" : ` (the check: ${end.message})`;
    return { how: end.how === "timeout" ? "timeout" : how, message: `cell ${exercise.id}: ${message}${also}` };
  }

  #mark(cell: Cell, outcome: Outcome | undefined, end: CellEnd): void {
    const id = checkId(cell);
    if (outcome) this.outcomes.set(id, outcome);
    this.checks.push(markOf(id, cell.metadata.nbgrader?.points ?? 0, outcome, end));
  }

  async #execute(
    cell: Together,
    index: number,
    options: { limit?: number; before?: () => void } = {},
  ): Promise<CellEnd> {
    const kernel = await this.#ready(index);
    options.before?.();
    const limit = (this.#run.limits?.cell ?? DEFAULT_LIMITS.cell) * (cell.parts?.length ?? 1);
    const end = await kernel.execute(sourceOf(cell), this.#limit(options.limit ?? limit));
    if (cell.parts && end.how !== "ok") return end;
    if (end.how === "timeout") this.#lethal.add(cell);
    if (!kernel.alive) {
      this.#lethal.add(cell);
      this.notes.push(`cell ${cell.id}: ${end.message}; the cells after it ran in a new kernel`);
    }
    return end;
  }

  /** A kernel in which the cells before this one have run: those that ended one, and checks, are left out. */
  async #ready(index: number): Promise<GradedKernel> {
    if (this.#kernel?.alive) return this.#kernel;
    const again = this.#kernel !== undefined;
    await this.#kernel?.end();
    // What one kernel has written is not held against the next.
    if (again) await emptyFolder(this.#place.folder);
    const address = await this.#judge.admit();
    const { lab, limits = {} } = this.#run;
    this.kernels++;
    this.#kernel = await GradedKernel.start({ ...this.#place, lab, limits, judge: address });
    if (this.#kernel.pid !== undefined) this.#place.holdKernel(this.#kernel.pid);
    if (!again) return this.#kernel;
    for (const cell of this.#cells.slice(0, index)) {
      if (this.#lethal.has(cell) || isGraded(cell) || Date.now() > this.#deadline) continue;
      const end = await this.#kernel.execute(
        sourceOf(cell),
        this.#limit(this.#run.limits?.cell ?? DEFAULT_LIMITS.cell),
      );
      if (end.how === "timeout") this.#lethal.add(cell);
      if (this.#kernel.alive) continue;
      this.#lethal.add(cell);
      return this.#ready(index);
    }
    return this.#kernel;
  }

  #limit(wanted: number): number {
    return Math.max(1_000, Math.min(wanted, this.#deadline - Date.now()));
  }
}

/** A line that shows something or answers a forecast, and does nothing else: `showPackets(tap.packets)`. */
const ONLY_SHOWS = /^\s*(lab\.(guess|hint|score)|show[A-Z]\w*)\([^()]*\);?\s*$/;

/**
 * The code cells up to the last check. Those that only show something are left out: nobody looks, and each costs a
 * compiler's turn.
 */
function cellsThatCount(notebook: Notebook): Cell[] {
  const last = notebook.cells.map(isGraded).lastIndexOf(true);
  const cells = notebook.cells.slice(0, last + 1).filter((cell) => isCode(cell) && sourceOf(cell).trim());
  return cells.filter((cell) => isGraded(cell) || !ONLY_SHOWS.test(sourceOf(cell)));
}

/** A seed that a learner cannot know; an instructor keeps it to see the same run again. */
export const freshSeed = (): string => randomBytes(8).toString("hex");
