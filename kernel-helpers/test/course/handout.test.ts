import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { handOut } from "kernel-helpers/dist/tools/handout";

const below = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name).slice(folder.length + 1))
    .sort();

test("a handout has notebooks and hints, and nothing that gives an answer away", (t) => {
  const base = mkdtempSync(join(tmpdir(), "mqtt-handout-"));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const course = join(base, "course");
  const files = [
    "package.json",
    ".npmrc",
    "LICENSE",
    "notebooks/01-a.ipynb",
    "notebooks/material/01-a/x.conf",
    "notebooks/mine/01-a.ipynb",
    "notebooks/solutions/01-a/one/hints.md",
    "notebooks/solutions/01-a/one/solution.ts",
    "notebooks/solutions/01-a/one/wrong-x.ts",
    "notebooks/solutions/01-a/one/cheat-y.ts",
    "kernel-helpers/src/index.ts",
    "kernel-helpers/dist/index.js",
    "kernel-helpers/test/a.test.ts",
    "node_modules/x/index.js",
    ".cache/progress/01-a.json",
    ".git/config",
  ];
  for (const file of files) {
    mkdirSync(dirname(join(course, file)), { recursive: true });
    writeFileSync(join(course, file), "");
  }
  const out = join(base, "out");
  handOut(course, out);
  assert.deepEqual(below(out), [
    ".npmrc",
    "LICENSE",
    "kernel-helpers/src/index.ts",
    "notebooks/01-a.ipynb",
    "notebooks/material/01-a/x.conf",
    "notebooks/solutions/01-a/one/hints.md",
    "package.json",
  ]);
  assert.throws(() => handOut(course, out), { code: "BAD_ARGUMENT", message: /not empty/ });
  assert.throws(() => handOut(course, join(course, "out")), { code: "BAD_ARGUMENT", message: /inside the course/ });
});
