import assert from "node:assert/strict";
import { test } from "node:test";
import { engines } from "kernel-helpers";
import { labList } from "kernel-helpers/dist/tools/lab-list";
import { type Proof, proveLabs } from "kernel-helpers/dist/tools/prove";

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

const said = (proof: Proof): string => `${proof.lab} ${proof.exercise} ${proof.variant}: ${proof.error}`;
