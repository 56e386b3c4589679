import assert from "node:assert/strict";
import { test } from "node:test";
import { type Cell, isGraded, isSolution, sourceOf } from "kernel-helpers/dist/notebook/model";
import { together } from "kernel-helpers/dist/tools/grading/together";
import { labList } from "kernel-helpers/dist/tools/lab-list";
import { readLab } from "kernel-helpers/dist/tools/lab-notebook";

const cell = (id: string, source: string, metadata: Cell["metadata"] = {}): Cell => ({
  cell_type: "code",
  id,
  source,
  metadata,
  outputs: [],
  execution_count: null,
});
const solution = { nbgrader: { solution: true } };
const grade = { nbgrader: { grade: true, solution: false } };
const ids = (cells: readonly Cell[]) =>
  together(cells).map((one) => (one.parts ?? [one]).map((part) => part.id).join("+"));

test("neighbours of the course's own run as one; exercises, checks and what speaks of answers do not", () => {
  const cells = [
    cell("a", "const lab = await openLab();"),
    cell("b", "const { x, y: z } = lab;\nx"),
    cell("answer", "function send(): void {}", solution),
    cell("check", "await lab.check('check', { send }, async (t) => {});", grade),
    cell("uses", "send();"),
    cell("c", "const one = 1;"),
    cell("throws", "throw 1", { tags: ["raises-exception"] }),
    cell("d", "const rows = [1];"),
    cell("e", "const [rows, other] = [2, 3];"),
    cell("f", "(async () => other)()"),
    cell("g", "import { rows } from 'x';"),
  ];
  assert.deepEqual(ids(cells), ["a+b", "answer", "check", "uses", "c", "throws", "d", "e+f", "g"]);
  const [first] = together(cells);
  assert.equal(first && sourceOf(first), "const lab = await openLab();\n;\nconst { x, y: z } = lab;\nx");
});

test("every lab's cells are all there, in their order, and its exercises and checks stand alone", () => {
  for (const { slug } of labList()) {
    const cells = readLab(slug).cells.filter((one) => one.cell_type === "code");
    const run = together(cells);
    assert.deepEqual(
      run.flatMap((one) => one.parts ?? [one]),
      cells,
    );
    const shared = run.flatMap((one) => one.parts ?? []);
    assert.ok(shared.length && !shared.some((one) => isGraded(one) || isSolution(one)), slug);
  }
});
