import assert from "node:assert/strict";
import { test } from "node:test";
import { type Cell, carryOver, cellText, type Notebook } from "kernel-helpers/dist/tools/carry-over";

const code = (id: string, source: string, metadata: Cell["metadata"] = {}): Cell => ({
  id,
  cell_type: "code",
  source,
  metadata,
  outputs: [],
  execution_count: null,
});
const prose = (id: string, source: string): Cell => ({ id, cell_type: "markdown", source, metadata: {} });
const exercise = (id: string, source: string): Cell =>
  code(id, source, { nbgrader: { solution: true, locked: false, grade_id: id } });
const check = (id: string, source: string): Cell =>
  code(id, source, { nbgrader: { solution: false, locked: true, grade_id: id } });
const notebook = (...cells: Cell[]): Notebook => ({
  cells,
  metadata: { mqtt: { lab: "x" } },
  nbformat: 4,
  nbformat_minor: 5,
});
const shown = ({ notebook: { cells } }: { notebook: Notebook }) => cells.map((cell) => `${cell.id}: ${cellText(cell)}`);

const base = notebook(prose("intro", "old"), code("demo", "a()"), exercise("ex", "stub"), check("ck", "check 1"));

test("an untouched copy becomes the new edition", () => {
  const course = notebook(
    prose("intro", "new"),
    prose("added", "more"),
    code("demo", "b()"),
    exercise("ex", "stub 2"),
    check("ck", "check 2"),
  );
  const merged = carryOver(course, structuredClone(base), base);
  assert.deepEqual(merged.notebook, course);
  assert.deepEqual([merged.kept, merged.beside, merged.own], [[], [], []]);
});

test("an answer stays in its exercise, whatever became of the stub; the check is the course's", () => {
  const yours = notebook(prose("intro", "old"), code("demo", "a()"), exercise("ex", "answer"), check("ck", "check 1"));
  const course = notebook(prose("intro", "new"), code("demo", "a()"), exercise("ex", "stub 2"), check("ck", "check 2"));
  const merged = carryOver(course, yours, base);
  assert.deepEqual(shown(merged), ["intro: new", "demo: a()", "ex: answer", "ck: check 2"]);
  assert.deepEqual(merged.kept, ["ex"]);
});

test("a demonstration that only the learner changed keeps their text", () => {
  const yours = notebook(prose("intro", "old"), code("demo", "mine()"), exercise("ex", "stub"), check("ck", "check 1"));
  const course = notebook(prose("intro", "new"), code("demo", "a()"), exercise("ex", "stub"), check("ck", "check 1"));
  assert.deepEqual(shown(carryOver(course, yours, base)), ["intro: new", "demo: mine()", "ex: stub", "ck: check 1"]);
});

test("where both changed, the course's text stands and the learner's right below it, of no grade", () => {
  const yours = notebook(
    prose("intro", "old"),
    code("demo", "mine()"),
    exercise("ex", "stub"),
    check("ck", "t.ok(true)"),
  );
  const course = notebook(prose("intro", "old"), code("demo", "b()"), exercise("ex", "stub"), check("ck", "check 1"));
  const merged = carryOver(course, yours, base);
  assert.deepEqual(shown(merged), [
    "intro: old",
    "demo: b()",
    "demo-yours: mine()",
    "ex: stub",
    "ck: check 1",
    "ck-yours: t.ok(true)",
  ]);
  const [beside] = merged.notebook.cells.filter(({ id }) => id === "ck-yours");
  assert.deepEqual(beside?.metadata, { tags: ["yours"] });
  assert.deepEqual(merged.beside, ["demo", "ck"]);
});

test("merging again, as after an interruption, adds nothing", () => {
  const yours = notebook(
    prose("intro", "old"),
    code("demo", "mine()"),
    exercise("ex", "answer"),
    check("ck", "check 1"),
  );
  const course = notebook(prose("intro", "new"), code("demo", "b()"), exercise("ex", "stub 2"), check("ck", "check 2"));
  const first = carryOver(course, yours, base);
  assert.deepEqual(shown(carryOver(course, first.notebook, base)), shown(first), "with the old base still noted");
  assert.deepEqual(shown(carryOver(course, first.notebook, course)), shown(first), "with the new one");
});

test("the learner's cells stay after their neighbours, in their order", () => {
  const yours = notebook(
    code("top", "1"),
    prose("intro", "old"),
    code("mine-1", "2"),
    code("mine-2", "3"),
    code("demo", "changed()"),
    code("mine-3", "4"),
    exercise("ex", "stub"),
    check("ck", "check 1"),
    prose("summary", "what I learnt"),
  );
  const course = notebook(
    prose("added", "first"),
    prose("intro", "new"),
    code("demo", "b()"),
    exercise("ex", "stub"),
    check("ck", "check 1"),
  );
  const merged = carryOver(course, yours, base);
  assert.deepEqual(
    merged.notebook.cells.map(({ id }) => id),
    ["top", "added", "intro", "mine-1", "mine-2", "demo", "demo-yours", "mine-3", "ex", "ck", "summary"],
  );
});

test("a cell that the course dropped goes, unless there is the learner's work in it", () => {
  const course = notebook(prose("intro", "old"), check("ck", "check 1"));
  const yours = notebook(prose("intro", "old"), code("demo", "a()"), exercise("ex", "answer"), check("ck", "check 1"));
  const merged = carryOver(course, yours, base);
  assert.deepEqual(shown(merged), ["intro: old", "ex: answer", "ck: check 1"]);
  assert.deepEqual(merged.notebook.cells[1]?.metadata.tags, ["yours"]);
  assert.equal(merged.notebook.cells[1]?.metadata.nbgrader, undefined);
});

test("prose that the learner deleted stays away; exercises and checks come back", () => {
  const merged = carryOver(base, notebook(code("demo", "a()")), base);
  assert.deepEqual(shown(merged), ["demo: a()", "ex: stub", "ck: check 1"]);
});

test("without a known base nothing of the learner's is lost", () => {
  const yours = notebook(prose("intro", "notes"), exercise("ex", "answer"), code("mine", "1"));
  const merged = carryOver(base, yours, undefined);
  assert.deepEqual(shown(merged), [
    "intro: old",
    "intro-yours: notes",
    "demo: a()",
    "ex: answer",
    "mine: 1",
    "ck: check 1",
  ]);
});

test("cells that lost their ids are known by grade_id, then by their text", () => {
  const yours = notebook(prose("intro", "old"), code("demo", "a()"), exercise("ex", "answer"), code("mine", "1"));
  for (const cell of yours.cells) delete cell.id;
  const merged = carryOver(base, yours, base);
  assert.deepEqual(shown(merged), ["intro: old", "demo: a()", "ex: answer", "yours: 1", "ck: check 1"]);
});

test("ids are unique in the result, also when the learner's file has one twice", () => {
  const yours = notebook(
    prose("intro", "old"),
    code("demo", "a()"),
    code("demo", "copy()"),
    exercise("ex", "s"),
    exercise("ex", "t"),
  );
  const merged = carryOver(notebook(...base.cells, code("demo-copy", "theirs")), yours, base);
  const ids = merged.notebook.cells.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length, ids.join(" "));
  const texts = merged.notebook.cells.map(cellText);
  for (const text of ["copy()", "s", "t", "theirs"]) assert.ok(texts.includes(text), text);
});

test("outputs stay where the text is the same on both sides", () => {
  const output = { output_type: "stream", name: "stdout", text: "hi" };
  const yours = structuredClone(base);
  for (const cell of yours.cells.filter(({ cell_type }) => cell_type === "code")) cell.outputs = [output];
  yours.cells[1]!.source = ["a(", ")"];
  const course = notebook(prose("intro", "old"), code("demo", "a()"), exercise("ex", "stub"), check("ck", "check 2"));
  const outputs = carryOver(course, yours, base).notebook.cells.map((cell) => cell.outputs?.length);
  assert.deepEqual(outputs, [undefined, 1, 1, 0]);
});
