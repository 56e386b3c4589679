/** An image that is not here and cannot come. */
import assert from "node:assert/strict";
import test from "node:test";
import { planBroker } from "kernel-helpers/dist/brokers/plan";
import type { LabError } from "kernel-helpers/dist/core/errors";
import { engineHere, scopeOf } from "./machine";

test("docker: an image that no registry here has", { timeout: 60_000 }, async (t) => {
  const engine = await engineHere(t, "docker");
  if (!engine) return;
  const scope = await scopeOf(t);
  const before = process.env.MQTT_LAB_MOSQUITTO_IMAGE;
  t.after(() => {
    if (before === undefined) delete process.env.MQTT_LAB_MOSQUITTO_IMAGE;
    else process.env.MQTT_LAB_MOSQUITTO_IMAGE = before;
  });
  process.env.MQTT_LAB_MOSQUITTO_IMAGE = "nowhere.invalid/no-such-image:1";
  await assert.rejects(engine.start(planBroker("faults", {}), scope), (error: LabError) => {
    t.diagnostic(error.toString());
    assert.equal(error.code, "IMAGE_UNAVAILABLE");
    assert.match(error.message, /nowhere\.invalid\/no-such-image:1 is not here and could not be made/);
    assert.match(error.hint, /internet.+docker\/engine-up\.sh/);
    return true;
  });
});
