import { isStatement, isTopic } from "./course";
import { type Found, found } from "./finding";
import { type Cell, isCode, isGraded, type Nbgrader, type Notebook, sourceOf } from "./model";

const TAGS = new Set([
  "setup",
  "exercise",
  "check",
  "teardown",
  "slow",
  "needs-docker",
  "raises-exception",
  "hide-input",
  "drill",
  "predict",
]);

const SLUG = /^[a-z0-9]+(-[a-z0-9]+)*$/;
/** Of a cell that is read. A check is used before it is read, and may say more; never by wider lines. */
const LINES = { good: 15, most: 18 };
const LINES_OF_A_CHECK = 40;
/** As for the code of the project. */
const COLUMNS = 120;
const GRADER_KEYS = new Set([
  "schema_version",
  "grade",
  "locked",
  "solution",
  "task",
  "grade_id",
  "points",
  "checksum",
  "cell_type",
]);
const CELL_KEYS = new Set(["tags", "nbgrader", "mqtt", "jupyter", "slideshow"]);

/** Rules about single cells: ids, metadata, tags, lengths, outputs; and the kernel. */
export function lintCells(notebook: Notebook): Found[] {
  const seen = new Set<string>();
  return [
    ...kernel(notebook),
    ...notebook.cells.flatMap((cell) => {
      const twice = seen.has(cell.id);
      seen.add(cell.id);
      return [
        ...(twice ? [found(cell, "id", "another cell has this id")] : []),
        ...(SLUG.test(cell.id) && cell.id.length <= 64
          ? []
          : [found(cell, "id", "an id is a slug of at most 64: words-like-these")]),
        ...keys(cell),
        ...tags(cell),
        ...grader(cell),
        ...proves(cell),
        ...body(cell),
      ];
    }),
  ];
}

function kernel(notebook: Notebook): Found[] {
  const spec = notebook.metadata.kernelspec;
  const all: Found[] = [];
  if (spec?.name !== "tslab")
    all.push(found("", "kernel", `the kernel is ${JSON.stringify(spec?.name) ?? "missing"}, not "tslab"`));
  if (spec?.language !== "typescript")
    all.push(found("", "kernel", 'kernelspec.language has to be "typescript" (nbgrader keys on it)'));
  if (notebook.nbformat_minor < 5)
    all.push(found("", "format", `nbformat 4.${notebook.nbformat_minor}: cells have ids from 4.5 on`));
  return all;
}

function keys(cell: Cell): Found[] {
  const strange = Object.keys(cell.metadata).filter((key) => !CELL_KEYS.has(key));
  const ours = Object.keys(cell.metadata.mqtt ?? {}).filter((key) => key !== "proves" && key !== "terms");
  return [
    ...strange.map((key) => found(cell, "metadata", `unknown key "${key}"`)),
    ...ours.map((key) => found(cell, "metadata", `unknown key "mqtt.${key}"`)),
  ];
}

function tags(cell: Cell): Found[] {
  const list = cell.metadata.tags ?? [];
  if (!Array.isArray(list)) return [found(cell, "tags", "tags are a list")];
  return [
    ...list
      .filter((tag) => !TAGS.has(tag))
      .map((tag) => found(cell, "tags", `unknown tag "${tag}"; there are: ${[...TAGS].join(" ")}`)),
    ...(new Set(list).size < list.length ? [found(cell, "tags", "a tag is there twice")] : []),
  ];
}

/** nbgrader's schema, version 3, and what the course adds to it: a grade_id is the cell's id. */
function grader(cell: Cell): Found[] {
  const meta = cell.metadata.nbgrader;
  if (meta === undefined) return [];
  const all: string[] = [];
  const need = (holds: boolean, message: string) => void (holds || all.push(message));
  need(meta.schema_version === 3, "nbgrader.schema_version is 3");
  for (const key of ["grade", "locked", "solution"] as const)
    need(typeof meta[key] === "boolean", `nbgrader.${key} is true or false`);
  for (const key of Object.keys(meta)) need(GRADER_KEYS.has(key), `nbgrader has no key "${key}"`);
  need(meta.task === undefined || typeof meta.task === "boolean", "nbgrader.task is true or false");
  need(meta.grade_id === cell.id, `nbgrader.grade_id is the cell's id, "${cell.id}"`);
  need(
    meta.grade === true || meta.solution === true || meta.locked === true,
    "nbgrader's metadata say nothing: leave them out",
  );
  points(meta, need);
  need(
    !(meta.grade && meta.solution) || cell.cell_type === "markdown",
    "a code cell is an exercise or a check, not both",
  );
  need(!meta.grade || meta.solution === true || meta.locked === true, "a check is locked");
  need(!meta.solution || meta.locked === false, "an exercise is not locked");
  return all.map((message) => found(cell, "metadata", message));
}

function points(meta: Nbgrader, need: (holds: boolean, message: string) => void): void {
  const { points: worth } = meta;
  if (meta.grade) need(typeof worth === "number" && Number.isFinite(worth) && worth >= 0, "a check has points from 0");
  else need(worth === undefined, "only a check has points");
}

function proves(cell: Cell): Found[] {
  const list = cell.metadata.mqtt?.proves ?? [];
  if (!Array.isArray(list)) return [found(cell, "proves", "mqtt.proves is a list")];
  const wrong = list.filter((id) => typeof id !== "string" || !(isTopic(id) || isStatement(id)));
  return [
    ...wrong.map((id) =>
      found(
        cell,
        "proves",
        `${JSON.stringify(id)} is no topic of the course (L1.2, S4.5) and no statement (MQTT-3.1.0-1)`,
      ),
    ),
    ...(list.length && !isCode(cell) ? [found(cell, "proves", "only a cell that runs proves something")] : []),
  ];
}

function body(cell: Cell): Found[] {
  if (!isCode(cell)) return [];
  const source = sourceOf(cell);
  const texts = source.trim() ? source.replace(/\n+$/, "").split("\n") : [];
  const lines = texts.length;
  const { good, most } = isGraded(cell) ? { good: LINES_OF_A_CHECK, most: LINES_OF_A_CHECK } : LINES;
  const all: Found[] = [];
  if (lines > most) all.push(found(cell, "length", `${lines} lines of code; ${most} is the most`));
  else if (lines > good) all.push(found(cell, "length", `${lines} lines of code; about ${good} read well`, "warning"));
  const wide = texts.findIndex((text) => text.length > COLUMNS);
  if (wide >= 0)
    all.push(
      found(cell, "length", `its line ${wide + 1} has ${texts[wide]!.length} characters; ${COLUMNS} is the most`),
    );
  if (cell.outputs.length || cell.execution_count !== null)
    all.push(found(cell, "outputs", "it has outputs or a count: npm run format"));
  return all;
}
