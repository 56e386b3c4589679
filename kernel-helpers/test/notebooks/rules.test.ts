import assert from "node:assert/strict";
import { test } from "node:test";
import { lintNotebooks } from "kernel-helpers/dist/tools/notebooks";

test("the notebooks keep the rules, and every cell compiles without a broker", async () => {
  const findings = (await lintNotebooks()).filter((finding) => finding.level === "error");
  assert.deepEqual(findings, []);
});
