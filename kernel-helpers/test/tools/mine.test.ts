import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { bringCopies } from "kernel-helpers/dist/tools/mine";

const notebook = (answer: string, prose = "text") =>
  `${JSON.stringify(
    {
      cells: [
        { cell_type: "markdown", id: "intro", metadata: {}, source: prose },
        {
          cell_type: "code",
          id: "ex",
          metadata: { nbgrader: { solution: true, grade_id: "ex" } },
          source: answer,
          outputs: [],
          execution_count: null,
        },
      ],
      metadata: {},
      nbformat: 4,
      nbformat_minor: 5,
    },
    null,
    1,
  )}\n`;

function course(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "copies of notebooks "));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const mine = join(folder, "mine");
  return {
    folder,
    mine,
    publish: (text: string, name = "01-a.ipynb") => writeFileSync(join(folder, name), text),
    read: (name = "01-a.ipynb") => readFileSync(join(mine, name), "utf8"),
    write: (text: string, name = "01-a.ipynb") => writeFileSync(join(mine, name), text),
    bring: () => bringCopies(folder).map(({ name, done }) => `${name} ${done}`),
    backups: () => readdirSync(join(mine, ".backup")),
  };
}

test("copies are made when missing and never overwritten", (t) => {
  const { publish, bring, read, write } = course(t);
  publish(notebook("stub"));
  publish(notebook("stub"), "02-b.ipynb");
  assert.deepEqual(bring(), ["01-a.ipynb made", "02-b.ipynb made"]);
  write(notebook("answer"));
  assert.deepEqual(bring(), ["01-a.ipynb unchanged", "02-b.ipynb unchanged"]);
  assert.equal(read(), notebook("answer"));
});

test("a newer edition carries the answer over and keeps what was before", (t) => {
  const { publish, bring, read, write, backups, mine } = course(t);
  publish(notebook("stub"));
  bring();
  write(notebook("answer"));
  publish(notebook("stub", "better text"));
  assert.deepEqual(bring(), ["01-a.ipynb updated"]);
  assert.equal(read(), notebook("answer", "better text"));
  const [backup, ...more] = backups();
  assert.deepEqual(more, []);
  assert.equal(readFileSync(join(mine, ".backup", backup!), "utf8"), notebook("answer"));
  assert.deepEqual(bring(), ["01-a.ipynb unchanged"]);
  assert.equal(backups().length, 1);
});

test("an edition that changes nothing in the copy leaves the file and makes no backup", (t) => {
  const { publish, bring, read, write, mine } = course(t);
  publish(notebook("stub", "old"));
  bring();
  write(notebook("answer", "new"));
  publish(notebook("stub", "new"));
  assert.deepEqual(bring(), ["01-a.ipynb unchanged"]);
  assert.equal(read(), notebook("answer", "new"));
  assert.ok(!readdirSync(mine).includes(".backup"));
});

for (const [what, content] of [
  ["cut short", notebook("answer").slice(0, 80)],
  ["empty", ""],
  ["of another format", '{"worksheets": [], "nbformat": 3}'],
  ["with a cell that is none", '{"nbformat": 4, "cells": [null]}'],
] as const) {
  test(`a copy that is ${what} is left alone, and a fresh one made once`, (t) => {
    const { publish, bring, read, write } = course(t);
    publish(notebook("stub"));
    bring();
    write(content);
    assert.deepEqual(bring(), ["01-a-fresh.ipynb set aside"]);
    assert.equal(read(), content);
    assert.equal(read("01-a-fresh.ipynb"), notebook("stub"));
    write(notebook("second answer"), "01-a-fresh.ipynb");
    publish(notebook("stub", "newer"));
    assert.deepEqual(bring(), ["01-a-fresh.ipynb updated"]);
    assert.equal(read("01-a-fresh.ipynb"), notebook("second answer", "newer"));
  });
}

test("one notebook that fails doesn't stop the others", (t) => {
  const { publish, bring, mine } = course(t);
  publish(notebook("stub"));
  publish(notebook("stub"), "02-b.ipynb");
  mkdirSync(join(mine, "01-a.ipynb"), { recursive: true });
  assert.deepEqual(bring(), ["01-a.ipynb failed", "02-b.ipynb made"]);
});

test("no temporary file is left", (t) => {
  const { publish, bring, write, mine } = course(t);
  publish(notebook("stub"));
  bring();
  write(notebook("answer"));
  publish(notebook("stub", "newer"));
  bring();
  const names = readdirSync(mine, { recursive: true, encoding: "utf8" });
  assert.deepEqual(
    names.filter((name) => name.endsWith(".tmp")),
    [],
  );
});
