import { type Cell, isCode, type Notebook, sourceOf } from "./model";

/** Metadata that tools leave behind when a notebook runs or is looked at: never part of the course. */
const TRANSIENT = [
  "execution",
  "ExecuteTime",
  "scrolled",
  "collapsed",
  "trusted",
  "vscode",
  "jp-MarkdownHeadingCollapsed",
];

/**
 * A notebook's canonical bytes: what Python's nbformat writes (keys in order, one space, sources as lines), without
 * outputs, counts and the traces of tools. Formatting twice changes nothing.
 */
export function formatNotebook(notebook: Notebook): string {
  return writeNotebook({
    ...notebook,
    nbformat_minor: 5,
    metadata: without(notebook.metadata, ["language_info", ...TRANSIENT]),
    cells: notebook.cells.map(cleanCell),
  });
}

/** The same bytes with everything kept: for executed and for learners' notebooks. */
export function writeNotebook(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) => ({ ...cell, source: lines(sourceOf(cell)) }));
  return `${JSON.stringify(inOrder({ ...notebook, cells }), null, 1)}\n`;
}

function cleanCell(cell: Cell): Cell {
  const source = sourceOf(cell).replace(/\r\n?/g, "\n").replace(/\n+$/, "");
  const metadata = without(cell.metadata, TRANSIENT);
  if (!isCode(cell)) return { ...cell, metadata, source };
  return { ...cell, metadata, source, outputs: [], execution_count: null };
}

function without<T extends object>(from: T, keys: readonly string[]): T {
  return Object.fromEntries(Object.entries(from).filter(([key]) => !keys.includes(key))) as T;
}

/** Splits where Python's splitlines does, for nbformat's next save must not change a byte. */
function lines(source: string): string[] {
  return source.match(LINE) ?? [];
}

const LINE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Python breaks lines at these
  /[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]*(?:\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])|[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+$/g;

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== "object" || value === null) return value;
  // defineProperty, as assigning "__proto__" would not make a key.
  const sorted = {};
  for (const key of Object.keys(value).sort()) {
    const inner = inOrder((value as Record<string, unknown>)[key]);
    if (inner !== undefined) Object.defineProperty(sorted, key, { value: inner, enumerable: true });
  }
  return sorted;
}
