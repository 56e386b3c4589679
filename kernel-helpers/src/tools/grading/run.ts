/** Runs one submission in a fresh kernel, with the judge on this side. */

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import type { EngineKind } from "../../brokers/engine";
import { CHECK_LIMIT } from "../../checks/judge";
import type { Outcome } from "../../checks/outcome";
import { cachePath } from "../../core/paths";
import { checkBody } from "../../lab/judge-body";
import { JUDGE_ENV } from "../../lab/judge-protocol";
import { JudgeServer } from "../../lab/judge-server";
import { type Cell, isCode, isGraded, type Notebook, sourceOf } from "../../notebook/model";
import { checkId } from "../lab-notebook";
import { GradedKernel } from "./kernel";
import { type CellEnd, type GradedCheck, markOf } from "./result";

export interface Limits {
  /** Milliseconds that one cell may take; a check has the judge's own limit. Default 60,000. */
  readonly cell?: number;
  /** Milliseconds for all cells together. Default 600,000. */
  readonly submission?: number;
  /** Milliseconds for one check. Default as in a lesson. */
  readonly check?: number;
}

export interface GradeRun {
  readonly lab: string;
  /** Where the checks' own text and points come from. */
  readonly pristine: Notebook;
  /** Topics, ids and numbers of the checks come from it. */
  readonly seed: string;
  readonly engine?: EngineKind | "auto";
  readonly limits?: Limits;
}

export interface GradedRun {
  readonly checks: readonly GradedCheck[];
  /** By check id, for the report. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly notes: readonly string[];
}

/** Grades a notebook that has the learner's answers in it already. Nothing it started is left afterwards. */
export async function gradeNotebook(notebook: Notebook, run: GradeRun): Promise<GradedRun> {
  await mkdir(cachePath("grading"), { recursive: true });
  const folder = mkdtempSync(cachePath("grading", "kernel-"));
  const judge = await JudgeServer.open({ lab: run.lab, engine: run.engine, seed: run.seed });
  const grading = new Grading(notebook, run, judge, folder);
  try {
    await grading.run();
    return grading;
  } finally {
    await grading.end();
    await judge.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Grading implements GradedRun {
  readonly checks: GradedCheck[] = [];
  readonly outcomes = new Map<string, Outcome>();
  readonly notes: string[] = [];
  readonly #cells: readonly Cell[];
  readonly #run: GradeRun;
  readonly #judge: JudgeServer;
  readonly #folder: string;
  readonly #deadline: number;
  /** Cells that ended their kernel: they are not run again. */
  readonly #lethal = new Set<Cell>();
  #kernel: GradedKernel | undefined;

  constructor(notebook: Notebook, run: GradeRun, judge: JudgeServer, folder: string) {
    this.#cells = notebook.cells.filter((cell) => isCode(cell) && sourceOf(cell).trim());
    this.#run = run;
    this.#judge = judge;
    this.#folder = folder;
    this.#deadline = Date.now() + (run.limits?.submission ?? 600_000);
  }

  async run(): Promise<void> {
    for (const [index, cell] of this.#cells.entries()) {
      const graded = isGraded(cell);
      if (Date.now() > this.#deadline) {
        if (graded)
          this.#mark(cell, undefined, { how: "timeout", message: "the submission's time was used up before" });
        continue;
      }
      if (graded) await this.#check(cell, index);
      else await this.#execute(cell, index);
    }
  }

  async end(): Promise<void> {
    await this.#kernel?.end();
  }

  async #check(cell: Cell, index: number): Promise<void> {
    const id = checkId(cell);
    const pristine = this.#run.pristine.cells.find((one) => checkId(one) === id) ?? cell;
    const limit = this.#run.limits?.check ?? CHECK_LIMIT;
    const points = pristine.metadata.nbgrader?.points ?? 0;
    const turn = { id, points, body: checkBody(sourceOf(pristine), id), limit };
    const end = await this.#execute(pristine, index, { limit: limit + 15_000, before: () => this.#judge.expect(turn) });
    this.#mark(cell, await this.#judge.settle(), end);
  }

  #mark(cell: Cell, outcome: Outcome | undefined, end: CellEnd): void {
    const id = checkId(cell);
    if (outcome) this.outcomes.set(id, outcome);
    this.checks.push(markOf(id, cell.metadata.nbgrader?.points ?? 0, outcome, end));
  }

  async #execute(cell: Cell, index: number, options: { limit?: number; before?: () => void } = {}): Promise<CellEnd> {
    const kernel = await this.#ready(index);
    options.before?.();
    const end = await kernel.execute(sourceOf(cell), this.#limit(options.limit ?? this.#run.limits?.cell ?? 60_000));
    if (end.how === "died") {
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
    const address = await this.#judge.admit();
    this.#kernel = await GradedKernel.start(this.#folder, { [JUDGE_ENV]: JSON.stringify(address) });
    if (!again) return this.#kernel;
    for (const cell of this.#cells.slice(0, index)) {
      if (this.#lethal.has(cell) || isGraded(cell) || Date.now() > this.#deadline) continue;
      const end = await this.#kernel.execute(sourceOf(cell), this.#limit(this.#run.limits?.cell ?? 60_000));
      if (end.how !== "died") continue;
      this.#lethal.add(cell);
      return this.#ready(index);
    }
    return this.#kernel;
  }

  #limit(wanted: number): number {
    return Math.max(1_000, Math.min(wanted, this.#deadline - Date.now()));
  }
}

/** A seed that a learner cannot know; an instructor keeps it to see the same run again. */
export const freshSeed = (): string => randomBytes(8).toString("hex");
