import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { labList } from "kernel-helpers/dist/tools/lab-list";
import { writeNbgraderSource } from "kernel-helpers/dist/tools/nbgrader-source";
import { lintNotebooks } from "kernel-helpers/dist/tools/notebooks";

test("the notebooks keep the rules, and every cell compiles without a broker", async () => {
  const findings = (await lintNotebooks()).filter((finding) => finding.level === "error");
  assert.deepEqual(findings, []);
});

test("every lab has its place in nbgrader's source folder", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "nbgrader-source-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const labs = writeNbgraderSource(folder);
  assert.deepEqual(
    labs,
    labList().map(({ slug }) => slug),
  );
  for (const slug of labs) assert.ok(existsSync(join(folder, "source", slug, `${slug}.ipynb`)), slug);
});
