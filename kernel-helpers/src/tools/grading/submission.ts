/** Reads a learner's notebook, whatever was done to it, and puts its answers onto the pristine one. Pure but for reading. */
import { readFileSync, statSync } from "node:fs";
import { LabError } from "../../core/errors";
import { answersOf, graft } from "../../notebook/graft";
import { type Cell, isCode, isGraded, type Notebook, parseNotebook, sourceOf } from "../../notebook/model";

/** No honest notebook is larger, outputs included. */
const SIZE_LIMIT = 64 * 1024 * 1024;

/** @throws LabError NOTEBOOK_INVALID. */
export function readSubmission(file: string): Notebook {
  const invalid = (why: string, cause?: unknown) =>
    new LabError("NOTEBOOK_INVALID", `${file}: ${why}`, "ask the learner for the notebook file again", { cause });
  let text: string;
  try {
    if (statSync(file).size > SIZE_LIMIT) throw invalid(`larger than ${SIZE_LIMIT / 1024 / 1024} MiB`);
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw error instanceof LabError ? error : invalid(`cannot be read: ${(error as Error).message}`, error);
  }
  return parseNotebook(text, file);
}

/** The lab that a notebook says it is of; never taken from the file's name. */
export function labOf(notebook: Notebook): string | undefined {
  const lab = notebook.metadata?.mqtt?.lab;
  return typeof lab === "string" ? lab : undefined;
}

export interface Grafted {
  readonly notebook: Notebook;
  /** Exercise cells that hold the learner's own text. */
  readonly answered: readonly string[];
  readonly notes: readonly string[];
}

/**
 * The pristine notebook with the learner's exercise cells in it. Everything else of the learner's is left out, so that
 * edited, deleted or added cells change nothing; what was found of them is noted.
 */
export function graftSubmission(pristine: Notebook, submitted: Notebook): Grafted {
  const { answers, missing, doubles } = answersOf(submitted, pristine);
  const { notebook } = graft(pristine, answers);
  const answered = pristine.cells.filter((cell) => cell.id in answers && !sameText(answers[cell.id] as string, cell));
  const notes = [
    ...missing.map((id) => `the exercise cell ${id} is missing: graded as handed out`),
    ...doubles.map((id) => `the exercise cell ${id} is there more than once: one counts`),
    ...pristine.cells.filter(isGraded).flatMap((check) => changed(check, submitted)),
    ...extra(pristine, submitted),
    ...otherOrder(pristine, submitted),
    ...otherEdition(pristine, submitted),
  ];
  return { notebook, answered: answered.map((cell) => cell.id), notes };
}

/** Ends of lines and of the text are a matter of the program that saved it. */
const plain = (text: string): string => text.replace(/\r\n?/g, "\n").trim();
const sameText = (text: string, cell: Cell): boolean => plain(text) === plain(sourceOf(cell));

/** What became of a check in the learner's hands: it is graded with the course's own text in any case. */
function changed(check: Cell, submitted: Notebook): string[] {
  const grade = check.metadata.nbgrader?.grade_id;
  const found = submitted.cells.filter((one) => one.id === check.id || one.metadata.nbgrader?.grade_id === grade);
  if (!found.length) return [`the check ${check.id} was deleted: graded all the same`];
  return [
    ...(found.length > 1 ? [`the check ${check.id} is there ${found.length} times: it runs once`] : []),
    ...(found.every((one) => sameText(sourceOf(one), check))
      ? []
      : [`the check ${check.id} was changed: the course's own counts`]),
  ];
}

function extra(pristine: Notebook, submitted: Notebook): string[] {
  const known = new Set(pristine.cells.map((cell) => cell.id));
  const own = submitted.cells.filter((cell) => isCode(cell) && !known.has(cell.id) && sourceOf(cell).trim());
  return own.length ? [`${own.length} code cell${own.length === 1 ? "" : "s"} of the learner's own: not run`] : [];
}

function otherOrder(pristine: Notebook, submitted: Notebook): string[] {
  const order = new Map(pristine.cells.map((cell, index) => [cell.id, index]));
  const places = submitted.cells.flatMap((cell) => order.get(cell.id) ?? []);
  const moved = places.some((place, i) => i > 0 && place < (places[i - 1] as number));
  return moved ? ["its cells stand in another order: they run in the course's"] : [];
}

function otherEdition(pristine: Notebook, submitted: Notebook): string[] {
  const [its, ours] = [submitted.metadata.mqtt?.edition, pristine.metadata.mqtt?.edition];
  if (its === undefined || its === ours) return [];
  return [`made from edition ${String(its).slice(0, 20)}, graded with edition ${ours}`];
}
