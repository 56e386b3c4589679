import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { CheckStatus, Outcome } from "../checks/outcome";
import { cachePath } from "../core/paths";

/** What is remembered of a learner's work at one lab, across kernels. */
export interface ProgressState {
  readonly version: 1;
  /** How many hints of an exercise were shown. */
  readonly hints: Readonly<Record<string, number>>;
  readonly checks: Readonly<Record<string, KeptCheck>>;
}

export interface KeptCheck {
  readonly status: CheckStatus;
  readonly score: number;
  readonly points: number;
  /** ISO time of the run. */
  readonly at: string;
  /** How often it ran without being passed before. */
  readonly tries: number;
}

const EMPTY: ProgressState = { version: 1, hints: {}, checks: {} };

/**
 * The file of one lab's progress. MQTT_LAB_PROGRESS names another folder; empty, nothing is kept: runs of the course's
 * own tools are nobody's progress.
 */
export class ProgressFile {
  readonly #path: string | undefined;
  #memory: ProgressState = EMPTY;

  constructor(slug: string) {
    const folder = process.env.MQTT_LAB_PROGRESS ?? cachePath("progress");
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

  keepHint(exercise: string, shown: number): void {
    const state = this.read();
    this.#write({ ...state, hints: { ...state.hints, [exercise]: shown } });
  }

  keepCheck(outcome: Outcome): void {
    const state = this.read();
    const before = state.checks[outcome.id];
    const tried = outcome.status === "failed" || outcome.status === "partly" ? 1 : 0;
    const kept: KeptCheck = {
      status: outcome.status,
      score: outcome.score,
      points: outcome.points,
      at: new Date().toISOString(),
      tries: (before?.tries ?? 0) + tried,
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
