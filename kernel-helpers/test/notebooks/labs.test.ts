import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { engines } from "kernel-helpers";
import { courseRoot } from "kernel-helpers/dist/core/paths";
import { parseNotebook } from "kernel-helpers/dist/notebook/model";
import type { LabRun } from "kernel-helpers/dist/tools/course";
import { labList } from "kernel-helpers/dist/tools/lab-list";
import { lintNotebooks } from "kernel-helpers/dist/tools/notebooks";
import { type Proof, proveLabs } from "kernel-helpers/dist/tools/prove";

const run = promisify(execFile);
const setup = join(courseRoot, "kernel-helpers", "setup.mjs");

/** The labs as a learner or CI runs them: whole, in fresh kernels, on every engine of this machine. */
for (const engine of ["docker", "embedded", "local"] as const) {
  test(`every lab runs green on ${engine}`, async (t) => {
    const probe = (await engines()).find((one) => one.kind === engine);
    if (!probe?.available) return t.skip(`no ${engine} engine here: ${probe?.summary ?? "not built"}`);
    const out = mkdtempSync(join(tmpdir(), "executed-"));
    t.after(() => rmSync(out, { recursive: true, force: true }));
    const words = ["course", "--engine", engine, "--out", out, "--json"];
    const { stdout } = await run(process.execPath, [setup, ...words], { cwd: courseRoot, maxBuffer: 64 << 20 }).catch(
      (failed: { stdout: string }) => failed,
    );
    const answer = JSON.parse(stdout) as { engine: string; labs: LabRun[] };
    assert.equal(answer.engine, engine);
    assert.deepEqual(
      answer.labs.filter((lab) => !lab.ok).map((lab) => `${lab.lab}: ${lab.error}`),
      [],
    );
    assert.deepEqual(
      answer.labs.map((lab) => lab.lab),
      labList().map((lab) => lab.slug),
    );
    for (const { lab } of answer.labs) {
      const executed = parseNotebook(readFileSync(join(out, `${lab}.ipynb`), "utf8"), lab);
      assert.ok(JSON.stringify(executed).includes("application/vnd.mqtt-notebooks.view+json"));
    }
  });
}

test("every exercise: the stub earns nothing, right answers all, each wrong one fails for its own reason", async (t) => {
  const embedded = (await engines()).find((one) => one.kind === "embedded");
  if (!embedded?.available) return t.skip(`the embedded engine is not built: ${embedded?.summary ?? "no answer"}`);
  const before = process.env.MQTT_LAB_ENGINE;
  process.env.MQTT_LAB_ENGINE = "embedded";
  t.after(() => {
    if (before === undefined) delete process.env.MQTT_LAB_ENGINE;
    else process.env.MQTT_LAB_ENGINE = before;
  });
  const proofs = await proveLabs(labList().map((lab) => lab.slug));
  const open = proofs.filter((proof) => !proof.ok);
  assert.deepEqual(open.map(said), []);
  assert.ok(proofs.length >= labList().length * 12, `only ${proofs.length} variants are there to prove`);
});

test("the notebooks keep the rules, and every cell compiles without a broker", async () => {
  const findings = (await lintNotebooks()).filter((finding) => finding.level === "error");
  assert.deepEqual(findings, []);
});

const said = (proof: Proof): string => `${proof.lab} ${proof.exercise} ${proof.variant}: ${proof.error}`;
