import { type Cell, cellById, isCode, isSolution, type Notebook, sourceOf } from "./model";

export interface GraftOptions {
  /** Also cells that are not marked as a solution. Default false: a check or a demonstration is never overwritten. */
  readonly anyCell?: boolean;
  /** Keeps outputs and counts. Default false: they showed what another text did. */
  readonly keepOutputs?: boolean;
}

export interface Grafted {
  readonly notebook: Notebook;
  readonly replaced: readonly string[];
  /** Ids that no cell has. */
  readonly unknown: readonly string[];
  /** Ids of cells that are not the learner's to write. */
  readonly refused: readonly string[];
}

/**
 * Puts texts into cells by id: solves a notebook, puts a learner's answers onto pristine checks, resets a cell. Pure.
 * An id also finds the cell whose nbgrader grade_id it is.
 */
export function graft(
  notebook: Notebook,
  cellsById: Readonly<Record<string, string>>,
  options: GraftOptions = {},
): Grafted {
  const replaced: string[] = [];
  const refused: string[] = [];
  const unknown: string[] = [];
  const texts = new Map<Cell, string>();
  for (const [id, text] of Object.entries(cellsById)) {
    const cell = find(notebook, id);
    if (!cell) unknown.push(id);
    else if (!options.anyCell && !isSolution(cell)) refused.push(id);
    else {
      texts.set(cell, text);
      replaced.push(id);
    }
  }
  const cells = notebook.cells.map((cell) => {
    const text = texts.get(cell);
    const source = text === undefined ? cell.source : text.replace(/\n+$/, "");
    return isCode(cell) && !options.keepOutputs
      ? { ...cell, source, outputs: [], execution_count: null }
      : { ...cell, source };
  });
  return { notebook: { ...notebook, cells }, replaced, unknown, refused };
}

const find = (notebook: Notebook, id: string): Cell | undefined =>
  cellById(notebook, id) ?? notebook.cells.find((cell) => cell.metadata.nbgrader?.grade_id === id);

/**
 * A learner's answers, by id of the pristine cell that they belong to. A cell is known by its id, else by its nbgrader
 * grade_id (programs that write older formats drop ids). Of two cells that claim one exercise the one with the id
 * counts, else the first; the others are told in `doubles`.
 */
export function answersOf(
  learners: Notebook,
  pristine: Notebook,
): { answers: Record<string, string>; missing: string[]; doubles: string[] } {
  const answers: Record<string, string> = {};
  const missing: string[] = [];
  const doubles: string[] = [];
  for (const exercise of pristine.cells.filter(isSolution)) {
    const grade = exercise.metadata.nbgrader?.grade_id;
    const byId = learners.cells.filter((cell) => cell.id === exercise.id);
    const byGrade = learners.cells.filter(
      (cell) => cell.id !== exercise.id && grade !== undefined && cell.metadata.nbgrader?.grade_id === grade,
    );
    const [chosen, ...others] = [...byId, ...byGrade];
    if (!chosen) missing.push(exercise.id);
    else answers[exercise.id] = sourceOf(chosen);
    if (others.length) doubles.push(exercise.id);
  }
  return { answers, missing, doubles };
}
