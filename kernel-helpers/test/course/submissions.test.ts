import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Outcome } from "kernel-helpers/dist/checks/outcome";
import { writeNotebook } from "kernel-helpers/dist/notebook/format";
import { type Notebook, parseNotebook, sourceOf } from "kernel-helpers/dist/notebook/model";
import { contentHash, handedIn, submissionsIn } from "kernel-helpers/dist/tools/grading/found";
import { Journal } from "kernel-helpers/dist/tools/grading/journal";
import { MarkFiles } from "kernel-helpers/dist/tools/grading/outputs";
import type { Reported } from "kernel-helpers/dist/tools/grading/result";
import { statisticsOf } from "kernel-helpers/dist/tools/grading/statistics";
import { graftSubmission, readSubmission } from "kernel-helpers/dist/tools/grading/submission";
import { readLab, solvedLab } from "kernel-helpers/dist/tools/lab-notebook";
import { LAB, scratch, useFixture } from "./fixture";

useFixture();

const write = (file: string, text: string): string => {
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, text);
  return file;
};

test("whose a notebook is: nbgrader's layout, a folder each, metadata, the file's name, or as said", (t) => {
  const folder = scratch(t);
  const plain = JSON.stringify({ nbformat: 4, cells: [], metadata: {} });
  const named = JSON.stringify({ nbformat: 4, cells: [], metadata: { authors: [{ name: "Grace H." }] } });
  write(join(folder, "submitted", "ada", LAB, "x.ipynb"), plain);
  write(join(folder, "submitted", "ada", LAB, ".ipynb_checkpoints", "x-checkpoint.ipynb"), plain);
  write(join(folder, "class", "bob", "1.ipynb"), named);
  write(join(folder, "loose", "any name.ipynb"), plain);
  write(join(folder, "loose", "grace.ipynb"), named);
  const of = (word: string, learner?: string) =>
    submissionsIn([join(folder, word)], learner).map((one) => `${one.learner}: ${one.from}`);
  const below = "ada: the folder below submitted/";
  for (const word of ["submitted", "submitted/ada", `submitted/ada/${LAB}/x.ipynb`])
    assert.deepEqual(of(word), [below]);
  assert.deepEqual(of("class"), ["bob: the folder"]);
  assert.deepEqual(of("loose"), ["any name: the file's name", "Grace H.: the notebook's metadata"]);
  assert.deepEqual(of("loose/grace.ipynb", "eve"), ["eve: --learner"]);
  write(join(folder, "submitted", "ada", LAB, "timestamp.txt"), "2026-11-02 10:00:00 UTC\n");
  assert.equal(handedIn(join(folder, "submitted", "ada", LAB, "x.ipynb")), "2026-11-02 10:00:00 UTC");
});

/** What was found, of a solved notebook after a change. */
function notesOf(t: Parameters<typeof scratch>[0], change: (notebook: Notebook) => object): readonly string[] {
  const file = write(join(scratch(t), "x.ipynb"), JSON.stringify(change(parseNotebook(writeNotebook(solvedLab(LAB))))));
  const { notebook, notes } = graftSubmission(readLab(LAB), readSubmission(file));
  const doors = notebook.cells.find((cell) => cell.id === "doors");
  if (!notes.some((note) => /doors is missing/.test(note))) assert.match(sourceOf(doors!), /listener 1884/);
  return notes;
}

test("as VS Code and older programs save it, with outputs: the same answers, nothing to note", (t) => {
  const code = (notebook: Notebook) =>
    notebook.cells.map((cell) => ({
      ...cell,
      source: sourceOf(cell)
        .replace(/\n/g, "\r\n")
        .split(/(?<=\n)/),
      metadata: { ...cell.metadata, vscode: { languageId: "typescript" } },
      ...(cell.cell_type === "code"
        ? { outputs: [{ output_type: "stream", name: "stdout", text: ["x"] }], execution_count: 7 }
        : {}),
    }));
  const saved = notesOf(t, (notebook) => ({
    ...notebook,
    metadata: { ...notebook.metadata, language_info: { name: "typescript" }, orig_nbformat: 4 },
    cells: code(notebook),
  }));
  assert.deepEqual(saved, []);
  const old = notesOf(t, (notebook) => ({
    ...notebook,
    nbformat_minor: 4,
    cells: notebook.cells.map(({ id, ...cell }) => cell),
  }));
  assert.deepEqual(
    old.filter((note) => /missing|deleted|changed/.test(note)),
    [],
  );
});

test("another edition, another order, a second cell for an exercise, a missing one: graded, and noted", (t) => {
  const edition = (notebook: Notebook) => ({
    ...notebook,
    metadata: { ...notebook.metadata, mqtt: { lab: LAB, edition: 0 } },
  });
  assert.deepEqual(notesOf(t, edition), ["made from edition 0, graded with edition 1"]);
  const moved = notesOf(t, (notebook) => ({ ...notebook, cells: [...notebook.cells].reverse() }));
  assert.deepEqual(moved, ["its cells stand in another order: they run in the course's"]);
  const twice = notesOf(t, (notebook) => ({
    ...notebook,
    cells: notebook.cells.flatMap((cell) =>
      cell.id === "doors" ? [cell, { ...cell, id: "copy", source: "1" }] : [cell],
    ),
  }));
  assert.ok(
    twice.some((note) => /doors is there more than once/.test(note)),
    twice.join(),
  );
  const missing = notesOf(t, (notebook) => ({
    ...notebook,
    cells: notebook.cells.filter((cell) => cell.id !== "doors"),
  }));
  assert.deepEqual(missing, ["the exercise cell doors is missing: graded as handed out"]);
});

const OUTCOME: Outcome = {
  id: "c",
  status: "failed",
  points: 2,
  score: 0,
  findings: [{ what: "a late subscriber has the value", ok: false, expected: '"v-1f9a03c2"', observed: "[]" }],
  evidence: [],
  reasons: [],
  next: "look",
};

const reported = (learner: string, more: Partial<Reported> = {}): Reported => ({
  file: `${learner}.ipynb`,
  learner,
  lab: LAB,
  score: 0,
  points: 2,
  checks: [{ id: "c", points: 2, score: 0, status: "failed", message: "m" }],
  notes: [],
  outcomes: new Map([["c", OUTCOME]]),
  times: { c: 1.5 },
  seconds: 4,
  handedIn: "",
  ...more,
});

test("an interrupted grading goes on: what is done is taken over, half a line is not", (t) => {
  const file = join(scratch(t), "journal.jsonl");
  const first = Journal.begin("s33d", file);
  first.keep("a", reported("ada"));
  first.keep("b", reported("bob"));
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.slice(0, -20));
  const next = Journal.resume("another", file);
  assert.equal(next.seed, "s33d");
  assert.deepEqual([next.take("a")?.learner, next.take("b"), next.take("c")], ["ada", undefined, undefined]);
  assert.equal(next.take("a")?.outcomes.get("c")?.findings[0]?.observed, "[]");
  next.keep("b", reported("bob"));
  assert.equal(Journal.resume("x", file).take("b")?.learner, "bob");
  assert.equal(Journal.resume("fresh", join(file, "..", "none.jsonl")).seed, "fresh");
  appendFileSync(file, "not json\n");
  assert.equal(Journal.resume("x", file).take("a")?.learner, "ada");
  assert.notEqual(contentHash(file), contentHash(join(file, "..", "none.jsonl")));
});

test("a page each that can be sent holds nobody else's marks; names become file names", (t) => {
  const folder = scratch(t);
  const html = join(folder, "marks.html");
  const all = [reported("ada"), reported("../Bob O'Neill"), reported("..\\Bob O'Neill")];
  new MarkFiles({ json: undefined, csv: undefined, html }).last(all);
  const mine = readFileSync(join(folder, "marks", "ada.html"), "utf8");
  assert.ok(mine.includes("a late subscriber has the value") && !mine.includes("Bob"));
  assert.ok(readFileSync(join(folder, "marks", "__Bob_O_Neill.html"), "utf8").includes("Bob"));
  assert.match(readFileSync(html, "utf8"), /seen most often[\s\S]*a late subscriber has the value: \[\] \(3 times\)/);
});

test("figures of a class: passed, in part, the commonest wrong observation, time", () => {
  const passed = reported("cy", {
    checks: [{ id: "c", points: 2, score: 2, status: "passed", message: "" }],
    outcomes: new Map(),
  });
  const part = reported("di", {
    checks: [{ id: "c", points: 2, score: 1, status: "failed", message: "m" }],
    times: { c: 9 },
  });
  const [row] = statisticsOf([reported("ada"), passed, part, reported("bo")]);
  const { submissions, partly, mean, wrong, wrongTimes, seconds } = row!;
  assert.deepEqual([submissions, row!.passed, partly, mean], [4, 1, 1, 0.75]);
  assert.deepEqual([wrong, wrongTimes, seconds], ["a late subscriber has the value: []", 3, 1.5]);
});
