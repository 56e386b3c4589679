import { LabError } from "../core/errors";

/** nbformat 4.5, as much of it as the course relies on; other keys are kept as they are. */
export interface Notebook {
  readonly nbformat: number;
  readonly nbformat_minor: number;
  readonly metadata: NotebookMetadata;
  readonly cells: readonly Cell[];
}

export interface NotebookMetadata {
  readonly kernelspec?: { readonly name: string; readonly display_name: string; readonly language?: string };
  /** Ours: which lab and edition; a draft's lengths and order are only warned of. */
  readonly mqtt?: {
    readonly lab?: string;
    readonly edition?: number | string;
    readonly draft?: boolean;
    /** In an executed notebook: what it ran on, and when (ISO 8601). */
    readonly run?: { readonly ok: boolean; readonly engine: string; readonly mosquitto: string; readonly date: string };
  };
  readonly [key: string]: unknown;
}

export type Cell = CodeCell | TextCell;

interface AnyCell {
  readonly id: string;
  readonly metadata: CellMetadata;
  readonly source: string | readonly string[];
  readonly [key: string]: unknown;
}

export interface CodeCell extends AnyCell {
  readonly cell_type: "code";
  readonly outputs: readonly unknown[];
  readonly execution_count: number | null;
}

export interface TextCell extends AnyCell {
  readonly cell_type: "markdown" | "raw";
}

export interface CellMetadata {
  readonly tags?: readonly string[];
  readonly nbgrader?: Nbgrader;
  /** Ours: topics and statements that the cell proves, terms that it introduces. */
  readonly mqtt?: { readonly proves?: readonly string[]; readonly terms?: readonly string[] };
  readonly [key: string]: unknown;
}

/** nbgrader's metadata, schema version 3. */
export interface Nbgrader {
  readonly schema_version?: number;
  readonly grade?: boolean;
  readonly solution?: boolean;
  readonly locked?: boolean;
  readonly task?: boolean;
  readonly grade_id?: string;
  readonly points?: number;
  readonly [key: string]: unknown;
}

/** A cell's text, whichever of nbformat's two forms it is stored in. */
export const sourceOf = (cell: Pick<AnyCell, "source">): string =>
  typeof cell.source === "string" ? cell.source : cell.source.join("");

export const isCode = (cell: Cell): cell is CodeCell => cell.cell_type === "code";
export const tagsOf = (cell: Cell): readonly string[] => cell.metadata.tags ?? [];
export const isGraded = (cell: Cell): boolean => cell.metadata.nbgrader?.grade === true;
export const isSolution = (cell: Cell): boolean => cell.metadata.nbgrader?.solution === true;

/** The first cell of this id. */
export const cellById = (notebook: Notebook, id: string): Cell | undefined =>
  notebook.cells.find((cell) => cell.id === id);

/**
 * A notebook from a file's text. Cells of older files (nbformat 4.0 to 4.4) have no ids: they get their nbgrader
 * grade_id, else "cell-N". Two cells of one id are left to lint: learners copy cells.
 * @throws LabError NOTEBOOK_INVALID that names the cell.
 */
export function parseNotebook(text: string, name = "this notebook"): Notebook {
  const top = record(parseJson(text, name), name, "it is no JSON object");
  if (top.nbformat !== 4) throw invalid(name, `its nbformat is ${JSON.stringify(top.nbformat) ?? "missing"}, not 4`);
  if (!Array.isArray(top.cells)) throw invalid(name, "it has no list of cells");
  const taken = new Set<string>();
  for (const cell of top.cells) if (typeof cell?.id === "string") taken.add(cell.id);
  return {
    ...top,
    nbformat: 4,
    nbformat_minor: typeof top.nbformat_minor === "number" ? top.nbformat_minor : 0,
    metadata: record(top.metadata ?? {}, name, "its metadata is no object") as NotebookMetadata,
    cells: top.cells.map((cell: unknown, i) => parseCell(cell, i, name, taken)),
  };
}

function parseJson(text: string, name: string): unknown {
  try {
    // A byte order mark is what some editors put before any text.
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    const why = (cause as Error).message;
    const merge = /^(<{7}|={7}|>{7})/m.test(text) ? " (it holds the marks of a merge that met a conflict)" : "";
    throw invalid(name, `it is not JSON: ${why}${merge}`, cause);
  }
}

function parseCell(cell: unknown, index: number, name: string, taken: Set<string>): Cell {
  const where = `cell ${index + 1}`;
  const of = record(cell, name, `${where} is no object`);
  const metadata = record(of.metadata ?? {}, name, `${where} has metadata that are no object`) as CellMetadata;
  const id = typeof of.id === "string" && of.id ? of.id : freshId(metadata, index, taken);
  const named = `${where} ("${id}")`;
  const source = of.source;
  const lines = Array.isArray(source) && source.every((line) => typeof line === "string");
  if (typeof source !== "string" && !lines) throw invalid(name, `${named} has no source`);
  const base = { ...of, id, metadata, source: source as string | string[] };
  if (of.cell_type === "markdown" || of.cell_type === "raw") return { ...base, cell_type: of.cell_type };
  if (of.cell_type !== "code") throw invalid(name, `${named} is of the unknown type ${JSON.stringify(of.cell_type)}`);
  if (of.outputs !== undefined && !Array.isArray(of.outputs))
    throw invalid(name, `${named} has outputs that are no list`);
  const count = typeof of.execution_count === "number" ? of.execution_count : null;
  return { ...base, cell_type: "code", outputs: (of.outputs as unknown[] | undefined) ?? [], execution_count: count };
}

function freshId(metadata: CellMetadata, index: number, taken: Set<string>): string {
  const wish = typeof metadata.nbgrader?.grade_id === "string" ? metadata.nbgrader.grade_id : `cell-${index + 1}`;
  let id = wish;
  for (let n = 2; taken.has(id); n++) id = `${wish}-${n}`;
  taken.add(id);
  return id;
}

function record(value: unknown, name: string, otherwise: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(name, otherwise);
  return value as Record<string, unknown>;
}

const invalid = (name: string, what: string, cause?: unknown): LabError =>
  new LabError(
    "NOTEBOOK_INVALID",
    `${name} cannot be read: ${what}`,
    "open it in JupyterLab and save it again, or bring the course's own copy back with: git checkout -- notebooks",
    { cause },
  );
