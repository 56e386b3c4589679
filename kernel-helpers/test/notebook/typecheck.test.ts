import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { courseRoot } from "kernel-helpers/dist/core/paths";
import { typecheck } from "kernel-helpers/dist/kernel/typecheck";
import { formatNotebook } from "kernel-helpers/dist/notebook/format";
import { formatNotebooks, lintNotebooks } from "kernel-helpers/dist/tools/notebooks";
import { beside, notebook, tiny } from "./lesson";

const notebooks = join(courseRoot, "notebooks");

test("cells compile in order and see what earlier cells declared; nothing runs", async () => {
  const found = await typecheck(
    [
      {
        name: "good",
        cells: [
          { id: "a", source: 'import { once } from "node:events";\nconst n = 1;\ninterface Reading { value: number }' },
          {
            id: "b",
            source: "const r: Reading = { value: n };\nawait Promise.resolve();\nfor await (const x of [r]) x.value;",
          },
          { id: "c", source: 'process.exit(7); throw new Error("never run");' },
        ],
      },
      {
        name: "bad",
        cells: [
          { id: "a", source: "const n = 1;" },
          { id: "b", source: "\nconst s: string = n;" },
          { id: "c", source: "r.value" },
        ],
      },
    ],
    notebooks,
  );
  assert.deepEqual(
    found.map(({ notebook, cell, variant, line }) => [notebook, cell, variant, line]),
    [
      ["bad", "b", "", 2],
      ["bad", "c", "", 1],
    ],
  );
  assert.match(found[0]?.message ?? "", /Type 'number' is not assignable to type 'string'/);
});

test("a variant is compiled where it stands, with the check that follows, and leaves no trace", async () => {
  const found = await typecheck(
    [
      {
        name: "n",
        cells: [
          {
            id: "late",
            source: "let conf = 0;",
            follow: 1,
            variants: [
              { name: "solution.ts", source: "let conf = 'x';" },
              { name: "broken.ts", source: "let conf: = 1;" },
            ],
          },
          { id: "check", source: "const kept: number = conf;" },
        ],
      },
    ],
    notebooks,
  );
  assert.ok(
    found.some((one) => one.variant === "solution.ts" && one.cell === "check"),
    JSON.stringify(found),
  );
  assert.ok(found.some((one) => one.variant === "broken.ts" && one.cell === "late"));
  assert.ok(found.every((one) => one.variant !== ""));
});

test("lint and format work over a folder of notebooks", async () => {
  const folder = mkdtempSync(join(tmpdir(), "notebooks-"));
  try {
    const cells = tiny().map((cell) =>
      cell.id === "open" ? { ...cell, source: "declare const lab: any, broker: any;" } : cell,
    );
    writeFileSync(join(folder, "99-tiny.ipynb"), JSON.stringify(notebook(cells)));
    writeFileSync(join(folder, "course.json"), '{"labs":[{"id":99,"slug":"99-tiny"}]}');
    for (const [name, text] of Object.entries(beside())) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    assert.deepEqual(await formatNotebooks({ folder, check: true }), ["99-tiny.ipynb", "course.json"]);
    assert.deepEqual(await formatNotebooks({ folder }), ["99-tiny.ipynb", "course.json"]);
    assert.deepEqual(await formatNotebooks({ folder }), []);
    assert.equal(readFileSync(join(folder, "99-tiny.ipynb"), "utf8"), formatNotebook(notebook(cells)));
    assert.deepEqual(JSON.parse(readFileSync(join(folder, "course.json"), "utf8")).topics, {
      "L3.4": ["99-tiny#show"],
    });
    const errors = (await lintNotebooks({ folder })).filter((one) => one.level === "error");
    assert.deepEqual(errors, []);
    writeFileSync(join(folder, "solutions/99-tiny/late/wrong-a.ts"), "// expect: RETAIN\nlet conf: string = 1;");
    const [type] = (await lintNotebooks({ folder })).filter((one) => one.rule === "type");
    assert.match(type?.message ?? "", /^wrong-a\.ts, line 2: Type 'number'/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
