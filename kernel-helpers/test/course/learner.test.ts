import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { KernelClient } from "kernel-helpers/dist/kernel/client";
import { writeNotebook } from "kernel-helpers/dist/notebook/format";
import { graft } from "kernel-helpers/dist/notebook/graft";
import { cellById, parseNotebook, sourceOf } from "kernel-helpers/dist/notebook/model";
import { readLab } from "kernel-helpers/dist/tools/lab-notebook";
import { progressOf } from "kernel-helpers/dist/tools/progress";
import { reset } from "kernel-helpers/dist/tools/reset";
import { fixture, LAB, noEngine, scratch, useFixture } from "./fixture";

useFixture();

const RIGHT = 'const doorsConf = "listener 1883\\nlistener 1884\\nallow_anonymous true";';

/** A learner's folder with an answer in the copy. */
function mineWith(t: TestContext, texts: Record<string, string>): string {
  const mine = join(scratch(t), "mine");
  mkdirSync(mine, { recursive: true });
  writeFileSync(join(mine, `${LAB}.ipynb`), writeNotebook(graft(readLab(LAB), texts).notebook));
  return mine;
}

const doors = (mine: string) => progressOf(LAB, mine).checks.find((check) => check.id === "check-doors");

test("progress is what ran last, and says what has changed since", async (t) => {
  const missing = await noEngine("local");
  if (missing) return t.skip(missing);
  const mine = mineWith(t, { doors: RIGHT });
  process.env.MQTT_LAB_PROGRESS = join(mine, ".progress");
  t.after(() => useFixture());
  assert.equal(doors(mine)?.status, "not run yet");
  const kernel = await KernelClient.start({
    cwd: mine,
    env: { MQTT_LAB_NOTEBOOKS: fixture, MQTT_LAB_PROGRESS: join(mine, ".progress"), MQTT_LAB_ENGINE: "local" },
  });
  t.after(() => kernel.kill());
  const notebook = parseNotebook(readFileSync(join(mine, `${LAB}.ipynb`), "utf8"));
  for (const id of ["open-lab", "doors", "check-doors"]) {
    const { error } = await kernel.execute(sourceOf(cellById(notebook, id)!));
    assert.equal(error, undefined, id);
  }
  await kernel.shutdown();
  const { status, score, points, since } = doors(mine)!;
  assert.deepEqual([status, score, points, since], ["passed", 3, 3, ""]);
  const changed = graft(notebook, { doors: "const doorsConf = ``;" }).notebook;
  writeFileSync(join(mine, `${LAB}.ipynb`), writeNotebook(changed));
  assert.match(doors(mine)?.since ?? "", /the answer was changed/);
  writeFileSync(join(mine, `${LAB}.ipynb`), "{ broken");
  assert.match(doors(mine)?.since ?? "", /cannot be read/);
  const all = progressOf(LAB, mine);
  assert.deepEqual([all.score, all.points, all.begun], [3, 6, true]);
});

test("an exercise is reset, and so is a whole notebook; the old text stays", (t) => {
  const mine = mineWith(t, { doors: RIGHT, announce: "const announce = 1;" });
  const file = join(mine, `${LAB}.ipynb`);
  const before = readFileSync(file, "utf8");
  const kept = reset(LAB, "doors", mine);
  const after = parseNotebook(readFileSync(file, "utf8"));
  assert.equal(sourceOf(cellById(after, "doors")!), "const doorsConf = ``;");
  assert.equal(sourceOf(cellById(after, "announce")!), "const announce = 1;");
  assert.equal(readFileSync(join(mine, "..", kept), "utf8"), before);
  reset(LAB, undefined, mine);
  assert.equal(readFileSync(file, "utf8"), readFileSync(join(fixture, `${LAB}.ipynb`), "utf8"));
  assert.equal(readdirSync(join(mine, ".backup")).length, 2);
  // Many within a millisecond: each keeps its own copy.
  for (let n = 3; n <= 30; n++) reset(LAB, undefined, mine);
  assert.equal(readdirSync(join(mine, ".backup")).length, 30);
  assert.throws(() => reset(LAB, "check-doors", mine), { code: "BAD_ARGUMENT", hint: /announce/ });
  assert.throws(() => reset(LAB, "doors", join(mine, "nowhere")), {
    code: "BAD_ARGUMENT",
    message: /nothing to reset/,
  });
});
