import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { CheckStatus, Outcome } from "../checks/outcome";
import { courseRoot } from "../core/paths";

/** What is remembered of a learner's work at one lab, across kernels. */
export interface ProgressState {
  readonly version: 1;
  /** Which step of an exercise's hints was shown last, from 1. */
  readonly hints: Readonly<Record<string, number>>;
  readonly checks: Readonly<Record<string, KeptCheck>>;
}

export interface KeptCheck {
  readonly status: CheckStatus;
  readonly score: number;
  readonly points: number;
  /** ISO time of the run. */
  readonly at: string;
  /** Honest tries that did not pass: those after which something else had run than before the one before. */
  readonly tries: number;
  /** What had run in that kernel, as marks of the cells' texts: whether an answer was changed since is told by it. */
  readonly ran?: readonly string[];
  /** The mark of the check's own text in the course at that time. */
  readonly check?: string;
}

/** What is known of the run beside its outcome. */
export interface RunMarks {
  readonly ran: readonly string[];
  readonly check?: string;
}

/** A cell's text in twelve digits; blanks at its ends don't count. */
export const markOfText = (text: string): string => createHash("sha256").update(text.trim()).digest("hex").slice(0, 12);

/** Where a learner's results lie: beside the notebooks they are of. */
export const progressFolder = (): string =>
  process.env.MQTT_LAB_PROGRESS ?? join(courseRoot, "notebooks", "mine", ".progress");

const EMPTY: ProgressState = { version: 1, hints: {}, checks: {} };

/**
 * The file of one lab's progress. MQTT_LAB_PROGRESS names another folder; empty, nothing is kept: runs of the course's
 * own tools are nobody's progress.
 */
export class ProgressFile {
  readonly #path: string | undefined;
  #memory: ProgressState = EMPTY;

  constructor(slug: string) {
    const folder = progressFolder();
    this.#path = folder && /^[\w-]+$/.test(slug) ? join(folder, `${slug}.json`) : undefined;
  }

  read(): ProgressState {
    if (!this.#path) return this.#memory;
    let text: string;
    try {
      text = readFileSync(this.#path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return EMPTY;
      throw error;
    }
    return parse(text);
  }

  keepHint(exercise: string, step: number): void {
    const state = this.read();
    this.#write({ ...state, hints: { ...state.hints, [exercise]: step } });
  }

  keepCheck(outcome: Outcome, marks: RunMarks = { ran: [] }): void {
    const state = this.read();
    const before = state.checks[outcome.id];
    // The same cells once more are the same try.
    const same = before?.ran !== undefined && marks.ran.length > 0 && sameMarks(before.ran, marks.ran);
    const tried = (outcome.status === "failed" || outcome.status === "partly") && !same ? 1 : 0;
    const kept: KeptCheck = {
      status: outcome.status,
      score: outcome.score,
      points: outcome.points,
      at: new Date().toISOString(),
      tries: (before?.tries ?? 0) + tried,
      ...(marks.ran.length ? { ran: marks.ran } : {}),
      ...(marks.check ? { check: marks.check } : {}),
    };
    this.#write({ ...state, checks: { ...state.checks, [outcome.id]: kept } });
  }

  #write(state: ProgressState): void {
    this.#memory = state;
    if (!this.#path) return;
    mkdirSync(dirname(this.#path), { recursive: true });
    // Written beside and moved: an interrupted cell leaves the old file whole.
    const next = `${this.#path}.${randomBytes(3).toString("hex")}`;
    try {
      writeFileSync(next, `${JSON.stringify(state, null, 2)}\n`);
      renameSync(next, this.#path);
    } catch (error) {
      rmSync(next, { force: true });
      throw error;
    }
  }
}

const sameMarks = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((mark) => b.includes(mark));

/** A file that somebody spoilt counts as no progress: better a hint shown again than a lesson that stops. */
function parse(text: string): ProgressState {
  try {
    const found = JSON.parse(text) as Partial<ProgressState> | null;
    if (found?.version !== 1) return EMPTY;
    return { version: 1, hints: records(found.hints), checks: records(found.checks) };
  } catch {
    return EMPTY;
  }
}

const records = <T>(value: Readonly<Record<string, T>> | undefined): Readonly<Record<string, T>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
