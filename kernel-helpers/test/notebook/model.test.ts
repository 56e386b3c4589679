import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LabError } from "kernel-helpers/dist/core/errors";
import { courseRoot } from "kernel-helpers/dist/core/paths";
import { courseIndex, courseText, isStatement, isTopic, wordsOf } from "kernel-helpers/dist/notebook/course";
import { formatNotebook, writeNotebook } from "kernel-helpers/dist/notebook/format";
import { answersOf, graft } from "kernel-helpers/dist/notebook/graft";
import { cellById, parseNotebook, sourceOf } from "kernel-helpers/dist/notebook/model";
import { code, exercise, md, notebook, tiny } from "./lesson";

const invalid = (text: string, message: RegExp) =>
  assert.throws(
    () => parseNotebook(text, "x.ipynb"),
    (error) =>
      error instanceof LabError &&
      error.code === "NOTEBOOK_INVALID" &&
      message.test(error.message) &&
      error.hint !== "",
  );

test("parse names the cell that cannot be read", () => {
  invalid("{", /x\.ipynb cannot be read: it is not JSON/);
  invalid("<<<<<<< ours\n{}", /marks of a merge/);
  invalid("[]", /no JSON object/);
  invalid('{"nbformat":3}', /nbformat is 3/);
  invalid('{"nbformat":4}', /no list of cells/);
  invalid('{"nbformat":4,"cells":[null]}', /cell 1 is no object/);
  invalid('{"nbformat":4,"cells":[{"id":"a","cell_type":"code"}]}', /cell 1 \("a"\) has no source/);
  invalid('{"nbformat":4,"cells":[{"id":"a","cell_type":"graph","source":""}]}', /unknown type "graph"/);
  invalid('{"nbformat":4,"cells":[{"id":"a","cell_type":"code","source":[1]}]}', /has no source/);
});

test("parse takes both forms of source, a byte order mark, and older files without ids", () => {
  const text = JSON.stringify({
    nbformat: 4,
    nbformat_minor: 4,
    metadata: {},
    cells: [
      { cell_type: "code", source: ["a\n", "b"], metadata: { nbgrader: { grade_id: "late" } } },
      { cell_type: "markdown", source: "c", metadata: {} },
      { cell_type: "markdown", source: "d", metadata: {}, id: "cell-2" },
    ],
  });
  const made = parseNotebook(`\ufeff${text}`);
  assert.deepEqual(
    made.cells.map((cell) => cell.id),
    ["late", "cell-2-2", "cell-2"],
  );
  assert.equal(sourceOf(made.cells[0]!), "a\nb");
  assert.equal(cellById(made, "late")?.cell_type, "code");
});

test("format cleans, is idempotent, and keeps what it doesn't know", () => {
  const messy = notebook([
    {
      ...code("a", "x;\r\ny;\n\n", { execution: {}, tags: ["setup"], zed: 1, able: 2 }),
      outputs: [{ output_type: "stream" }],
      execution_count: 3,
    },
    md("b", ["line\n", "end"] as unknown as string, { "jp-MarkdownHeadingCollapsed": true }),
  ]);
  const once = formatNotebook(
    parseNotebook(JSON.stringify({ ...messy, metadata: { ...messy.metadata, language_info: {} } })),
  );
  assert.equal(formatNotebook(parseNotebook(once)), once);
  assert.match(once, /\n {4}"x;\\n",\n {4}"y;"\n/);
  assert.doesNotMatch(once, /stream|execution":|language_info|Collapsed/);
  assert.match(once, /"execution_count": null/);
  assert.ok(once.indexOf('"able"') < once.indexOf('"zed"'));
  assert.ok(once.endsWith("}\n"));
});

test("the formatter's bytes are those of Python's nbformat", (t) => {
  const python = join(courseRoot, ".venv", "bin", "python");
  if (!existsSync(python)) return t.skip("no .venv: npm start makes it");
  const made = writeNotebook(
    notebook([
      code("a", "const x = `…\u2028`; // <>&'\"\\ é 👩‍🔬\n\tx\u000b\u0085;\r\n"),
      md("b", ""),
      md("c", "α\r\nβ\rγ\u007f"),
    ]),
  );
  const script =
    "import sys,nbformat;sys.stdout.reconfigure(encoding='utf8',newline='');sys.stdout.write(nbformat.writes(nbformat.reads(sys.stdin.buffer.read().decode(),4))+'\\n')";
  const run = spawnSync(python, ["-c", script], { input: made, encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  assert.equal(run.stdout, made);
});

test("graft solves, refuses checks, reports the unknown, and changes nothing in place", () => {
  const pristine = notebook(tiny());
  const before = JSON.stringify(pristine);
  const done = graft(pristine, { late: "let conf = 1;\n", "late-check": "hacked", nobody: "x" });
  assert.deepEqual([done.replaced, done.refused, done.unknown], [["late"], ["late-check"], ["nobody"]]);
  assert.equal(sourceOf(cellById(done.notebook, "late")!), "let conf = 1;");
  assert.match(sourceOf(cellById(done.notebook, "late-check")!), /t\.equal/);
  assert.equal(JSON.stringify(pristine), before);
  assert.deepEqual(graft(done.notebook, { "late-check": "x" }, { anyCell: true }).replaced, ["late-check"]);
  assert.deepEqual(graft(pristine, { __proto__: "x", constructor: "y" } as never).replaced, []);
});

test("a learner's answers are found by id, by grade_id, once, and never from a check", () => {
  const pristine = notebook(tiny());
  const learners = notebook([
    { ...exercise("late", "mine"), id: "random-1" },
    exercise("late", "by id"),
    { ...exercise("late", "copy"), id: "random-2" },
    code("late-check", "return true"),
  ]);
  const found = answersOf(learners, pristine);
  assert.deepEqual(found.answers, { late: "by id" });
  assert.deepEqual(found.missing, ["guess-late"]);
  assert.deepEqual(found.doubles, ["late"]);
  assert.deepEqual(answersOf(notebook([{ ...exercise("late", "mine"), id: "r" }]), pristine).answers, { late: "mine" });
});

test("the course's index comes from the cells' metadata", () => {
  const index = courseIndex([{ slug: "99-tiny", notebook: notebook(tiny()) }]);
  assert.deepEqual(index.topics, { "L3.4": [{ lab: "99-tiny", cell: "show" }] });
  assert.deepEqual(index.statements, { "MQTT-3.3.1-3": [{ lab: "99-tiny", cell: "show" }] });
  assert.deepEqual(index.labs[0]?.checks, [{ id: "late-check", points: 2 }]);
  assert.equal(index.labs[0]?.title, "Tiny");
  const text = courseText({ labs: [{ id: 1, slug: "99-tiny", minutes: 10 }], topics: { old: [] } }, index);
  assert.deepEqual(JSON.parse(text).topics, { "L3.4": ["99-tiny#show"] });
  assert.deepEqual(JSON.parse(text).labs, [{ id: 1, slug: "99-tiny", minutes: 10 }]);
  assert.equal(courseText(JSON.parse(text), index), text);
});

test("topic and statement ids are those of the curriculum", () => {
  for (const id of ["L1.1", "L18.4", "S1.6", "S6.5"]) assert.ok(isTopic(id), id);
  for (const id of ["L0.1", "L19.1", "S1.7", "S7.1", "l1.1", "L1.10", "L1"]) assert.ok(!isTopic(id), id);
  assert.ok(isStatement("MQTT-3.8.4-8") && !isStatement("3.8.4-8") && !isStatement("MQTT-3.8.4"));
});

test("words are those of the prose", () => {
  const of = (text: string) => wordsOf(notebook([md("a", text), code("b", "not counted")]));
  assert.equal(of("One **two** [three](four.md) `five six` don't."), 5);
  assert.equal(of("a\n\n```ts\nb c d\n```\n\ne <!-- f g --> h"), 3);
});
