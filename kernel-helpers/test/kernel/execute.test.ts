import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { executeNotebook, type RunnableNotebook } from "kernel-helpers/dist/kernel/execute";
import { fixtures } from "./support";

interface Cell {
  cell_type: string;
  source: string[];
  metadata: { tags?: string[] };
  outputs: { output_type: string }[];
  execution_count: number | null;
}

const notebook = (name: string): { cells: Cell[] } => JSON.parse(readFileSync(join(fixtures, `${name}.ipynb`), "utf8"));

/** Texts as one string each: a notebook file may hold a list of lines. */
const joined = (output: object): unknown =>
  JSON.parse(JSON.stringify(output), (key, value) =>
    Array.isArray(value) && key !== "traceback" ? value.join("") : value,
  );

const cells = (...sources: string[]): RunnableNotebook => ({
  cells: sources.map((source) => ({ cell_type: "code", source, metadata: {} })),
});

test("a good notebook: every cell ok, outputs as recorded, the given notebook untouched", async () => {
  const given = notebook("good");
  const before = structuredClone(given);
  const seen: number[] = [];
  const {
    ok,
    notebook: executed,
    cells: results,
  } = await executeNotebook(given, { onCell: ({ index }) => seen.push(index) });
  assert.equal(ok, true);
  assert.deepEqual(seen, [0, 1, 2, 3]);
  assert.deepEqual(given, before);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["ok", "ok", "ok", "ok"],
  );
  assert.deepEqual(
    executed.cells.map(({ outputs }) => outputs),
    before.cells.map(({ outputs }) => outputs.map(joined)),
  );
});

test("a bad notebook stops at the cell that fails; the later ones stay unrun", async () => {
  const { ok, notebook: executed, cells: results } = await executeNotebook(notebook("bad"));
  assert.equal(ok, false);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["ok", "error"],
  );
  assert.equal(results[1]!.error!.evalue, "too few values");
  assert.deepEqual([executed.cells[2]!.outputs, executed.cells[2]!.execution_count], [[], null]);
});

test("a cell that is meant to fail may, with allowErrors all may", async () => {
  const tagged = await executeNotebook(notebook("meant-to-fail"));
  assert.deepEqual(
    [tagged.ok, tagged.cells.map(({ status, allowed }) => [status, allowed])],
    [
      true,
      [
        ["ok", false],
        ["error", true],
        ["ok", false],
      ],
    ],
  );
  const all = await executeNotebook(cells("throw 1", "const n: number = 'x'", "2"), { allowErrors: true });
  assert.deepEqual([all.ok, all.cells.map(({ status }) => status)], [true, ["error", "error", "ok"]]);
});

test("a cell beyond its time is interrupted and has failed, whatever its tag says", async () => {
  const slow = cells("await null; for (;;);", "1");
  slow.cells[0]!.metadata = { tags: ["raises-exception"] };
  const { ok, cells: results } = await executeNotebook(slow, { timeoutPerCell: 300 });
  assert.deepEqual(
    [ok, results.length, results[0]!.timedOut, results[0]!.error!.ename],
    [false, 1, true, "KeyboardInterrupt"],
  );
});

test("errors that nothing caught are told beside the cell that is ok", async () => {
  const { ok, cells: results } = await executeNotebook(cells("void Promise.reject(new Error('lost'));", "1"));
  assert.equal(ok, true);
  assert.deepEqual(
    results.map(({ lateErrors }) => lateErrors),
    [[{ ename: "Error", evalue: "lost" }], []],
  );
});

test("a kernel that dies, and a run that is called off, reject", async () => {
  await assert.rejects(executeNotebook(cells("process.kill(process.pid, 'SIGKILL'); await new Promise(() => {});")), {
    code: "SETUP_FAILED",
  });
  const control = new AbortController();
  const run = executeNotebook(cells("1", "await new Promise(() => {});"), {
    signal: control.signal,
    onCell: () => control.abort(new Error("enough")),
  });
  await assert.rejects(run, /enough/);
});

test("two notebooks at once", async () => {
  const [one, two] = await Promise.all([1, 2].map((n) => executeNotebook(cells(`const mine = ${n};`, "mine"))));
  for (const [index, { notebook: done }] of [one!, two!].entries()) {
    assert.match(JSON.stringify(done.cells[1]!.outputs), new RegExp(`"text/plain":"${index + 1}"`));
  }
});
