/** The labs as a learner or CI runs them: whole, in fresh kernels. A file an engine, so that two run side by side. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { engines } from "kernel-helpers";
import type { EngineKind } from "kernel-helpers/dist/brokers/engine";
import { courseRoot } from "kernel-helpers/dist/core/paths";
import { parseNotebook } from "kernel-helpers/dist/notebook/model";
import type { LabRun } from "kernel-helpers/dist/tools/course";
import { labList } from "kernel-helpers/dist/tools/lab-list";

const run = promisify(execFile);
const setup = join(courseRoot, "kernel-helpers", "setup.mjs");

export function labsRunGreen(engine: EngineKind): void {
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
