import assert from "node:assert/strict";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { Farm } from "kernel-helpers/dist/tools/grading/farm";
import { Fitness } from "kernel-helpers/dist/tools/grading/fitness";
import type { OneSubmission } from "kernel-helpers/dist/tools/grading/grade-one";
import type { Reported } from "kernel-helpers/dist/tools/grading/result";
import { noEngine, submission, useFixture } from "./fixture";

useFixture();
const ready = noEngine("local");
const LIMITS = { cell: 30_000, check: 30_000, submission: 180_000 };

/** All that a mark rests on: what the checks saw, word by word. */
const seen = ({ checks, outcomes, notes }: Reported): unknown => ({
  checks,
  notes,
  findings: [...outcomes].map(([id, one]) => [id, one.status, one.findings]),
});

/** Leaves what one kernel can leave: brokers, taps, clients, retained values and a volume, all still there at its end. */
const UNTIDY = `const conf = "listener 1883\\nallow_anonymous true\\npersistence true\\nautosave_interval 1";
const others = await Promise.all([1, 2, 3].map((n) => lab.broker({ name: "other-" + n, conf, volume: "kept" + n })));
const taps = await Promise.all(others.map((other) => lab.tap(other)));
for (const one of taps) {
  const client = await lab.client(one, { clientId: "c" + one.url });
  await client.mqtt.publishAsync("mini/once", "left", { retain: true, qos: 2 });
}
process.chdir("/");
process.env.MQTT_LAB_ENGINE = "docker";
Object.assign(Object.prototype, { polluted: 1 });`;

for (const engine of ["local", "embedded"] as const) {
  test(`one process grades several submissions, and none finds anything of another's (${engine})`, async (t) => {
    const missing = (await ready) || (await noEngine(engine));
    if (missing) return t.skip(missing);
    const [used, fresh] = [new Farm(), new Farm()];
    t.after(() => Promise.all([used.end(), fresh.end()]));
    const of = (texts: Record<string, string>, learner: string): OneSubmission => ({
      file: submission(t, texts),
      learner,
      seed: "the same",
      engine,
      limits: LIMITS,
    });
    const wrong = of({ once: "tap.clear();" }, "bob");
    const alone = await fresh.grade(wrong);
    assert.equal(alone.score, 5, JSON.stringify(alone.checks));
    const untidy = of({ announce: `const announce = async () => undefined as any;\n${UNTIDY}` }, "ada");
    const first = await used.grade(untidy);
    assert.equal(first.checks[1]?.score, 3, JSON.stringify(first.checks));
    const [worker] = used.idle;
    assert.ok(worker, "the worker is as it was before");
    const second = await used.grade(wrong);
    assert.deepEqual(used.idle, [worker], "the same process graded both");
    assert.deepEqual(seen(second), seen(alone));
    assert.deepEqual(seen(await used.grade(untidy)), seen(first), "nor does its own first try");
  });
}

test("a worker in which something broke grades no other submission; one that dies costs only its own", async (t) => {
  const missing = await ready;
  if (missing) return t.skip(missing);
  const farm = new Farm();
  t.after(() => farm.end());
  const grade = (texts: Record<string, string>) =>
    farm.grade({ file: submission(t, texts), learner: "ada", seed: "s", engine: "local", limits: LIMITS });
  assert.equal((await grade({})).score, 6);
  const [worker] = farm.idle;
  const killed = "const announce = async () => void process.kill(process.pid, 9);";
  assert.equal((await grade({ announce: killed })).score, 4);
  assert.deepEqual(farm.idle, [], "a kernel ended");
  assert.equal((await grade({})).score, 6);
  const [next] = farm.idle;
  assert.ok(next && next !== worker);
  // Something that an earlier submission left ends it in the midst of the next one: that has a new worker.
  const going = grade({});
  process.kill(next, "SIGKILL");
  assert.equal((await going).score, 6);
  assert.ok(farm.idle.length === 1 && farm.idle[0] !== next);
});

/** What a submission might leave in the process that grades it; each returns what takes it away. */
const LEFT: Record<string, () => () => void> = {
  "a server": () => {
    const server = createServer().listen(0);
    return () => server.close();
  },
  "a timer": () => {
    const timer = setInterval(() => undefined, 1_000);
    return () => clearInterval(timer);
  },
  "a listener": () => {
    const hear = () => undefined;
    process.on("warning", hear);
    return () => process.off("warning", hear);
  },
  "a variable": () => {
    process.env.MQTT_LAB_LEFT = "1";
    return () => delete process.env.MQTT_LAB_LEFT;
  },
  "another folder": () => {
    const before = process.cwd();
    process.chdir(tmpdir());
    return () => process.chdir(before);
  },
};

test("a process is fit again when nothing of a submission is left in it, and not before", async () => {
  await ready; // which starts processes, and ends them
  const fitness = new Fitness();
  const mark = (status: "passed" | "failed" | "error") => [{ id: "a", points: 1, score: 0, status, message: "" }];
  for (const [what, leave] of Object.entries(LEFT)) {
    const undo = leave();
    const fit = await fitness.asBefore({ checks: mark("passed") }, 50);
    undo();
    assert.equal(fit, false, what);
    assert.equal(await fitness.asBefore({ checks: mark("failed"), kernels: 1 }, 5_000), true, `${what} is gone`);
  }
  assert.equal(await fitness.asBefore({ checks: mark("error") }, 50), false, "something broke");
  assert.equal(await fitness.asBefore({ checks: mark("passed"), kernels: 2 }, 50), false, "a kernel ended");
});
