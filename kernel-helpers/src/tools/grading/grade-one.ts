/** One submission, from its file to its marks. */
import type { EngineKind } from "../../brokers/engine";
import { LabError } from "../../core/errors";
import type { CheckTexts } from "../../lab/judge-body";
import { gradedCells, readPristine } from "../../lab/lesson-files";
import { labList } from "../lab-list";
import { handedIn } from "./found";
import type { Isolation } from "./isolation";
import { type GradeStatus, oneLine, type Reported } from "./result";
import { gradeNotebook, type Limits } from "./run";
import { graftSubmission, labOf, readSubmission } from "./submission";

export interface OneSubmission {
  readonly file: string;
  readonly learner: string;
  /** How the learner is known, for the report. */
  readonly from?: string;
  /** Kept by the instructor; each learner's own is made from it. */
  readonly seed: string;
  readonly engine?: EngineKind | "auto";
  readonly limits?: Limits;
  readonly isolation?: Isolation;
  /** The checks' texts, by lab and id. */
  readonly texts?: Readonly<Record<string, Readonly<Record<string, CheckTexts>>>>;
}

/** Never throws for what a submission is: a notebook that cannot be read has no points and a note that says why. */
export async function gradeOne(one: OneSubmission): Promise<Reported> {
  const base = { file: one.file, learner: one.learner, from: one.from };
  const began = Date.now();
  let lab = "";
  try {
    const submitted = readSubmission(one.file);
    lab = labOf(submitted) ?? "";
    const pristine = labList().some((entry) => entry.slug === lab) ? readPristine(lab) : undefined;
    if (!pristine) {
      throw new LabError(
        "NOTEBOOK_INVALID",
        lab
          ? `its metadata name the lab "${lab.slice(0, 60)}", which this course does not have`
          : "its metadata name no lab",
        "was it made from this course's notebook? Its metadata must have mqtt.lab",
      );
    }
    const { notebook, answered, notes } = graftSubmission(pristine, submitted);
    const seed = `${one.seed}/${one.learner}`;
    const { engine, limits, isolation } = one;
    const texts = one.texts?.[lab];
    const run = await gradeNotebook(notebook, { lab, pristine, seed, engine, limits, isolation, texts });
    return {
      file: one.file,
      learner: one.learner,
      lab,
      score: run.checks.reduce((sum, check) => sum + check.score, 0),
      points: run.checks.reduce((sum, check) => sum + check.points, 0),
      checks: run.checks,
      notes: [
        ...known(one.from),
        ...notes,
        ...(answered.length ? [] : ["no exercise was changed"]),
        ...run.notes.map((note) => oneLine(note)),
      ],
      outcomes: run.outcomes,
      times: run.times,
      kernels: run.kernels,
      seconds: (Date.now() - began) / 1000,
      handedIn: handedIn(one.file),
    };
  } catch (error) {
    // An engine that is not there is the machine's fault, and must not become anybody's mark.
    if (!(error instanceof LabError) || error.code !== "NOTEBOOK_INVALID") throw error;
    return notGraded(base, lab, error.message);
  }
}

/** All checks of the lab as errors, for a submission that could not be run. */
export function notGraded(
  base: { file: string; learner: string; from?: string },
  lab: string,
  why: string,
  status: GradeStatus = "error",
): Reported {
  const message = why.replace(/\s+/g, " ").slice(0, 500);
  const graded = lab ? gradedCells(readPristine(lab)) : [];
  const checks = graded.map(({ id, points }) => ({ id, points, score: 0, status, message }));
  const points = checks.reduce((sum, check) => sum + check.points, 0);
  const { file, learner, from } = base;
  const nothing = { outcomes: new Map(), times: {}, seconds: 0, handedIn: handedIn(file) };
  return { file, learner, lab, score: 0, points, checks, notes: [...known(from), message], ...nothing };
}

const known = (from: string | undefined): string[] => (from ? [`learner: from ${from}`] : []);
