import { randomUUID } from "node:crypto";
import { types } from "node:util";
import { shareHere } from "../checks/local";
import type { Outcome } from "../checks/outcome";
import { publishDisplay, ranCells, type UncompiledCell } from "../kernel/display";
import { type Cell, isGraded, isSolution, sourceOf, tagsOf } from "../notebook/model";
import { cardView, hintView } from "../views/card";
import { bundle, type View } from "../views/view";
import { Broker } from "./broker";
import type { Host } from "./host";
import { besideExercise, exercisesWith, gradedCells, hintSteps, readPristine } from "./lesson-files";
import { lineView, scoreView, solutionView } from "./lesson-views";
import { readMaterial } from "./material";
import { withOwnNames } from "./own-names";
import { type KeptCheck, markOfText, ProgressFile, type RunMarks } from "./progress-state";
import { type CheckBody, runCheck } from "./run-check";
import { withSoundGlobals } from "./sound-globals";
import { checkByValues } from "./uncompiled-check";

/** After so many honest tries a solution is shown. */
const TRIES = 3;
/** Of a long session the cells that count for what an answer was. */
const MOST_CELLS = 400;

const gradeId = (cell: Cell): string => cell.metadata.nbgrader?.grade_id ?? cell.id;

/** The taught side of a lab: checks in this kernel, hints, solutions, the score. */
export class Lessons {
  readonly #slug: string;
  readonly #host: Host;
  readonly #isTap: (value: object) => boolean;
  readonly #progress: ProgressFile;

  constructor(slug: string, host: Host, isTap: (value: object) => boolean) {
    this.#slug = slug;
    this.#host = host;
    this.#isTap = isTap;
    this.#progress = new ProgressFile(slug);
  }

  /** Judges an exercise, shows the card and returns the points earned. Never throws for a judged outcome. */
  async check<Given extends Record<string, unknown>>(
    id: string,
    given: Given,
    body: CheckBody<Given>,
  ): Promise<number> {
    return withSoundGlobals(async () => {
      const outcome = this.#host.check ? await this.#host.check(id, given) : await this.#checkHere(id, given, body);
      publishDisplay(bundle(cardView(outcome)));
      this.#progress.keepCheck(outcome, this.#marks(id));
      return outcome.score;
    });
  }

  /** Runs a check of the course whose cell does not compile; undefined for any other cell. */
  byValues(lab: object, cell: UncompiledCell): (() => Promise<unknown>) | undefined {
    return checkByValues(readPristine(this.#slug), lab, cell);
  }

  #marks(id: string): RunMarks {
    const check = readPristine(this.#slug)?.cells.find((cell) => isGraded(cell) && gradeId(cell) === id);
    const ran = [...new Set(ranCells().slice(-MOST_CELLS).map(markOfText))];
    return { ran, ...(check ? { check: markOfText(sourceOf(check)) } : {}) };
  }

  #checkHere<Given extends Record<string, unknown>>(
    id: string,
    given: Given,
    body: CheckBody<Given>,
  ): Promise<Outcome> {
    const shared = shareHere(given, {
      isProxy: types.isProxy,
      kindOf: (value) => (value instanceof Broker ? "broker" : this.#isTap(value) ? "tap" : undefined),
    });
    return runCheck({
      id,
      points: this.#points(id),
      host: this.#host,
      seed: randomUUID(),
      material: (name) => readMaterial(this.#slug, name),
      version: versionFor(shared as object, this.#host),
      given: shared as Given,
      body: this.#isCourses(id) ? withOwnNames(body) : body,
    });
  }

  /** Whether the cell with this check ran as the course has it. */
  #isCourses(id: string): boolean {
    const check = readPristine(this.#slug)?.cells.find((cell) => isGraded(cell) && gradeId(cell) === id);
    return check !== undefined && ranCells().some((text) => text.trim() === sourceOf(check).trim());
  }

  #points(id: string): number {
    const graded = gradedCells(readPristine(this.#slug));
    return graded.find((cell) => cell.id === id)?.points ?? 1;
  }

  /** The next of an exercise's hints, each time it is asked for; after the last the first again, in any kernel. */
  hint(exercise: string): View {
    const text = besideExercise(this.#slug, exercise, "hints.md");
    const steps = text === undefined ? [] : hintSteps(text);
    if (!steps.length) return lineView(this.#none("hints", exercise, "hints.md"));
    const step = ((this.#progress.read().hints[exercise] ?? 0) % steps.length) + 1;
    this.#progress.keepHint(exercise, step);
    return hintView({ id: exercise, step, of: steps.length, text: steps[step - 1]! });
  }

  /** The course's own answer, after a pass or three honest tries; until then where one stands. */
  solution(exercise: string): View {
    const text = besideExercise(this.#slug, exercise, "solution.ts");
    if (text === undefined) return lineView(this.#none("solution", exercise, "solution.ts"));
    const kept = this.#checksOf(exercise).flatMap((id) => this.#progress.read().checks[id] ?? []);
    const open = (one: KeptCheck) => one.status === "passed" || one.status === "unavailable" || one.tries >= TRIES;
    if (kept.some(open)) return solutionView(exercise, text);
    const tries = Math.max(0, ...kept.map((one) => one.tries));
    const hint = `lab.hint(${JSON.stringify(exercise)})`;
    return lineView(
      `The solution is shown after a pass, or after ${TRIES} tries with different answers: ${tries} so far. Until then ${hint} helps.`,
    );
  }

  /** The checks that judge an exercise: those between it and the next one. */
  #checksOf(exercise: string): string[] {
    const cells = readPristine(this.#slug)?.cells ?? [];
    const start = cells.findIndex((cell) => cell.id === exercise);
    const after = cells.slice(start + 1);
    const next = after.findIndex((cell) => isSolution(cell) && tagsOf(cell).includes("exercise"));
    return after
      .slice(0, next < 0 ? undefined : next)
      .filter(isGraded)
      .map(gradeId);
  }

  score(): View {
    return scoreView(this.#slug, gradedCells(readPristine(this.#slug)), this.#progress.read());
  }

  #none(what: string, exercise: string, file: string): string {
    const others = exercisesWith(this.#slug, file);
    return others.length
      ? `There ${what === "hints" ? "are" : "is"} no ${what} for "${exercise}"; this lab has exercises named ${others.join(", ")}.`
      : `This copy of the course has no ${what} in it.`;
  }
}

/** The version of the first broker among what a check is given, else the first that the engine runs. */
export function versionFor(given: object, host: Host): string {
  for (const value of Object.values(given)) {
    if (value instanceof Broker) return value.version;
  }
  return host.probe.mosquitto[0] ?? "";
}
