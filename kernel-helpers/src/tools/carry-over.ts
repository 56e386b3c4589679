/**
 * Carries a learner's work from an older edition of a notebook into a newer one, by cell id. Pure: three notebooks in,
 * one out.
 */

/** As much of nbformat 4.5 as merging needs; what else a file holds is kept as it is. */
export interface Cell {
  id?: string;
  cell_type: string;
  source: string | string[];
  metadata: Record<string, unknown> & {
    nbgrader?: { solution?: boolean; locked?: boolean; grade_id?: string };
    tags?: string[];
  };
  outputs?: unknown[];
  execution_count?: number | null;
}

export interface Notebook {
  cells: Cell[];
  metadata: Record<string, unknown>;
  nbformat: number;
  nbformat_minor: number;
}

/** A merged notebook, and by cell id what became of the learner's work. */
export interface CarriedOver {
  readonly notebook: Notebook;
  /** The learner's text stands in the course's place. */
  readonly kept: readonly string[];
  /** The course's text stands; the learner's version is the cell after it. */
  readonly beside: readonly string[];
  /** Cells of the learner's own, and cells with their work that the course has dropped. */
  readonly own: readonly string[];
}

type Named = Cell & { id: string };

/** Marks a cell that holds the learner's version of the cell above it, or of one that the course has dropped. */
const yoursTag = "yours";

export const cellText = (cell: Cell): string => (Array.isArray(cell.source) ? cell.source.join("") : cell.source);

const same = (a: Cell, b: Cell): boolean =>
  a.cell_type === b.cell_type && cellText(a).trimEnd() === cellText(b).trimEnd();

/**
 * @param course the course's newer edition
 * @param yours the learner's copy
 * @param base what that copy was made from; undefined when nobody knows: then every difference counts as the learner's.
 */
export function carryOver(course: Notebook, yours: Notebook, base: Notebook | undefined): CarriedOver {
  const theirs = named(course.cells, []);
  const was = new Map(named(base?.cells ?? [], []).map((cell) => [cell.id, cell]));
  const learner = named(yours.cells, [...theirs, ...was.values()]);
  const ids = new Set([...theirs, ...learner].map((cell) => cell.id));
  const mine = new Map(learner.map((cell) => [cell.id, cell]));
  const kept: string[] = [];
  const beside: string[] = [];
  const besideIds = new Set<string>();
  const merged: Named[] = [];

  for (const cell of theirs) {
    const your = mine.get(cell.id);
    const old = was.get(cell.id);
    if (!your) {
      if (!deletedByLearner(cell, old)) merged.push(cell);
      continue;
    }
    const change = whoChanged(cell, your, old);
    if (change === "learner") {
      kept.push(cell.id);
      merged.push(withText(cell, your));
      continue;
    }
    merged.push(same(cell, your) ? { ...cell, ...outputs(your) } : cell);
    if (change === "both" && !standsBeside(learner, your)) {
      const id = freshId(`${cell.id}-yours`, ids);
      beside.push(cell.id);
      besideIds.add(id);
      merged.push(asYours(your, id));
    }
  }
  const own = insertOwn(merged, learner, new Set(theirs.map((cell) => cell.id)), was, besideIds);
  return { notebook: { ...course, cells: merged }, kept, beside, own };
}

/** Whose change the merged cell carries, where both editions have the cell. */
function whoChanged(theirs: Cell, your: Cell, was: Cell | undefined): "none" | "learner" | "both" {
  if (same(theirs, your) || (was && same(was, your))) return "none";
  const grader = theirs.metadata.nbgrader;
  if (grader?.solution) return "learner"; // an answer stays in its place, whatever became of the stub
  if (grader?.locked) return "both"; // a check has to be the course's
  return was && same(was, theirs) ? "learner" : "both";
}

/** Prose and demonstrations may be thrown away; exercises and checks come back. */
const deletedByLearner = (theirs: Cell, was: Cell | undefined): boolean =>
  was !== undefined && same(was, theirs) && !theirs.metadata.nbgrader;

/** After an interrupted run the learner's version may be there already. */
function standsBeside(learner: readonly Named[], your: Named): boolean {
  const next = learner[learner.indexOf(your) + 1];
  return next !== undefined && next.metadata.tags?.includes(yoursTag) === true && same(next, your);
}

/** Puts the learner's own cells after the neighbours that they stood after. Returns their ids. */
function insertOwn(
  merged: Named[],
  learner: readonly Named[],
  courseIds: ReadonlySet<string>,
  was: ReadonlyMap<string, Cell>,
  besideIds: ReadonlySet<string>,
): string[] {
  const own: string[] = [];
  let neighbour = -1;
  for (const cell of learner) {
    const there = merged.findIndex((other) => other.id === cell.id);
    if (there >= 0) {
      neighbour = there;
      continue;
    }
    if (courseIds.has(cell.id)) continue;
    const old = was.get(cell.id);
    if (old && same(old, cell) && !cell.metadata.nbgrader?.solution) continue; // the course's, dropped by the course
    do neighbour++;
    while (neighbour < merged.length && besideIds.has(merged[neighbour]!.id));
    merged.splice(neighbour, 0, old ? asYours(cell, cell.id) : cell);
    own.push(cell.id);
  }
  return own;
}

/** The learner's text in the course's cell; outputs go, as they showed what an older edition did. */
function withText(theirs: Named, your: Cell): Named {
  const { outputs: _, execution_count: __, ...rest } = theirs;
  return { ...rest, cell_type: your.cell_type, source: your.source, ...emptyOutputs(your) };
}

/** The learner's version as a cell of no grade: two cells of one grade_id would confuse a grader. */
function asYours(your: Cell, id: string): Named {
  const { nbgrader: _, ...metadata } = your.metadata;
  const tags = [...new Set([...(your.metadata.tags ?? []), yoursTag])];
  return { ...your, id, metadata: { ...metadata, tags }, ...emptyOutputs(your) };
}

const emptyOutputs = (cell: Cell): Partial<Cell> =>
  cell.cell_type === "code" ? { outputs: [], execution_count: null } : {};

const outputs = (cell: Cell): Partial<Cell> =>
  cell.cell_type === "code" ? { outputs: cell.outputs ?? [], execution_count: cell.execution_count ?? null } : {};

/**
 * Every cell with an id of its own. Where a file has lost one (a program that writes nbformat 4.4 drops them all), the
 * nbgrader grade_id tells, then a known cell's very text; a second cell of the same id counts as the learner's own.
 */
function named(cells: readonly Cell[], known: readonly Named[]): Named[] {
  const taken = new Set<string>();
  const present = new Set(cells.map((cell) => cell.id));
  const all = new Set([...known.map((cell) => cell.id), ...(present as Set<string>)]);
  return cells.map((cell) => {
    const byText = () => known.find((other) => !taken.has(other.id) && !present.has(other.id) && same(other, cell))?.id;
    const id = cell.id ?? cell.metadata.nbgrader?.grade_id ?? byText();
    const own = id === undefined || taken.has(id) ? freshId(id ? `${id}-copy` : "yours", all) : id;
    taken.add(own);
    return { ...cell, id: own };
  });
}

/** nbformat allows 64 characters. */
function freshId(wish: string, ids: Set<string>): string {
  let id = wish.slice(0, 64);
  for (let n = 2; ids.has(id); n++) id = `${wish.slice(0, 60)}-${n}`;
  ids.add(id);
  return id;
}
