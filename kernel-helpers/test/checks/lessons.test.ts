import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { selectEngine } from "kernel-helpers/dist/brokers/select";
import { courseRoot } from "kernel-helpers/dist/core/paths";
import { type Lab, openLab } from "kernel-helpers/dist/lab";
import type { Broker } from "kernel-helpers/dist/lab/broker";
import { hintSteps } from "kernel-helpers/dist/lab/lesson-files";

process.env.MQTT_LAB_NOTEBOOKS = resolve(courseRoot, "kernel-helpers", "test", "fixtures", "course");
const progress = mkdtempSync(join(tmpdir(), "mqtt-progress-"));
process.env.MQTT_LAB_PROGRESS = progress;

let lab: Lab | undefined;
let broker: Broker | undefined;
let missing: string | undefined;
const shown: string[] = [];
const log = console.log;

before(async () => {
  console.log = (text: unknown) => void shown.push(String(text));
  try {
    await selectEngine({ wanted: "local" });
    lab = await openLab("90-mini", { engine: "local" });
    broker = await lab.broker({ conf: "listener 1883\nallow_anonymous true" });
  } catch (error) {
    missing = (error as Error).message.split("\n")[0];
  }
});

after(async () => {
  await lab?.close();
  console.log = log;
  rmSync(progress, { recursive: true, force: true });
});

/** A test with a lab and its broker; the last card's text is `card()`. */
const lesson = (name: string, run: (lab: Lab, broker: Broker) => Promise<void> | void) =>
  test(name, async (t) => {
    if (!lab || !broker) return t.skip(`no local engine: ${missing}`);
    await run(lab, broker);
  });
const card = (): string => shown.at(-1) ?? "";

lesson("points are those of the notebook's cell, 1 for a check of one's own", async (lab, broker) => {
  const body = async (t: { ok(holds: boolean, what: string): boolean }) => void t.ok(true, "fine");
  assert.equal(await lab.check("check-doors", { broker }, body), 3);
  assert.match(card(), /✓ passed, 3 of 3 points/);
  assert.equal(await lab.check("mine", {}, body), 1);
});

lesson("probes have random names, and end with the check whatever happens", async (lab, broker) => {
  const opened: { url: string; ids: string[] } = { url: "", ids: [] };
  const score = await lab.check("check-once", { broker, opened: 1 }, async (t, { broker }) => {
    assert.equal(t.topic("a"), t.topic("a"));
    assert.notEqual(t.topic("a"), t.topic("b"));
    const own = await t.broker({ conf: "listener 1883\nallow_anonymous true" });
    const tap = await t.tap(own);
    const client = await t.client(tap, { subscribe: t.topic("a") });
    opened.url = own.url;
    opened.ids = [client.clientId, (await t.client(broker)).clientId];
    await client.mqtt.publishAsync(t.topic("a"), "x", { qos: 1 });
    t.equal((await client.next()).text, "x", "through the tap");
    t.equal(t.engine, "local", "the engine");
    t.equal(t.version, broker.version, "the version is the broker's");
    throw new Error("midway");
  });
  assert.equal(score, 0);
  assert.match(card(), /midway/);
  assert.equal(new Set(opened.ids).size, 2);
  await assert.rejects(lab.client(opened.url), { code: "CONNECT_FAILED" });
});

lesson("what a learner gives may throw, hang, be a proxy or have getters", async (lab) => {
  const trap = () => {
    throw new Error("a trap");
  };
  const given = {
    getter: Object.defineProperty({}, "x", { get: trap, enumerable: true }) as { x?: unknown },
    proxy: new Proxy({}, { get: trap, ownKeys: trap, getPrototypeOf: trap }),
    throws: () => {
      throw { message: "thrown", toString: trap };
    },
    text: "plain",
  };
  const score = await lab.check("hostile", given, async (t, { getter, proxy, throws, text }) => {
    t.equal(getter.x, 1, "a getter");
    t.equal(proxy, {}, "a proxy");
    t.equal(text, "plain", "a text");
    await throws();
  });
  assert.equal(score, 0);
  assert.match(card(), /a computed value[\s\S]*a Proxy[\s\S]*your function threw/);
});

lesson("errors of the check's own callbacks are its own, and of others theirs", async (lab) => {
  const seen: unknown[] = [];
  const listener = (error: unknown) => void seen.push(error);
  process.on("uncaughtException", listener);
  try {
    const score = await lab.check("callbacks", {}, async (t) => {
      t.ok(true, "one row");
      await new Promise<void>((resolve) => {
        process.nextTick(() => {
          resolve();
          throw new Error("in a callback");
        });
      });
      void Promise.reject(new Error("nobody handles it"));
    });
    assert.equal(score, 0);
    assert.match(card(), /no callback of the check fails/);
    assert.deepEqual(seen, []);
    assert.ok(process.listeners("uncaughtException").includes(listener));
  } finally {
    process.off("uncaughtException", listener);
  }
});

lesson("untouched, unavailable and a check that asserts nothing", async (lab) => {
  assert.equal(await lab.check("u", { conf: " \n" }, (t, { conf }) => void t.answered(conf, "conf")), 0);
  assert.match(card(), /○ untouched/);
  assert.equal(await lab.check("v", {}, (t) => t.unavailable("needs docker")), 0);
  assert.match(card(), /○ unavailable[\s\S]*needs docker/);
  assert.equal(await lab.check("w", {}, () => undefined), 0);
  assert.match(card(), /error/);
});

lesson("three hints, and the solution after a pass or three honest tries; all survive a new kernel", async (lab) => {
  assert.match(lab.solution("announce").text, /after 3 tries with different answers: 0 so far/);
  const steps = [1, 2, 3, 4].map(() => lab.hint("announce").text);
  assert.match(steps[0] ?? "", /Hint 1 of 3: where to look/);
  assert.match(steps[2] ?? "", /Hint 3 of 3[\s\S]*one option more/);
  assert.equal(steps[3], steps[0], "after the last step the first again: who comes back later can read all three");
  assert.deepEqual(readdirSync(progress), ["90-mini.json"]);
  assert.doesNotMatch(lab.solution("announce").text, /retain: true/);
  for (let n = 0; n < 3; n++) await lab.check("check-announce", { n }, (t, { n }) => void t.equal(n, "right", "it"));
  assert.match(lab.solution("announce").text, /retain: true/);
  assert.match(lab.solution("doors").text, /listener 1884/, "passed above");
  assert.match(lab.hint("doors").text, /no hints for "doors"; this lab has exercises named announce/);
});

lesson("the score lists every check of the lab, run or not", (lab) => {
  const text = lab.score().text;
  assert.match(text, /3 of 6 points/);
  assert.match(text, /check-announce\s+failed\s+0\s+2/);
  assert.match(text, /check-doors\s+passed\s+3\s+3/);
  assert.ok(!text.includes("hostile"), "what is no check of the notebook is not counted");
  writeFileSync(join(progress, "90-mini.json"), "{ spoilt");
  assert.match(lab.score().text, /0 of 6 points/);
});

lesson("a handout without solutions says so", (lab) => {
  const course = process.env.MQTT_LAB_NOTEBOOKS;
  process.env.MQTT_LAB_NOTEBOOKS = progress;
  try {
    assert.match(lab.hint("announce").text, /has no hints in it/);
    assert.match(lab.solution("announce").text, /has no solution in it/);
    assert.match(lab.solution("../../x").text, /has no solution in it/);
  } finally {
    process.env.MQTT_LAB_NOTEBOOKS = course;
  }
});

lesson("forecasts: unanswered is fine, a word that is no choice is told", (lab) => {
  assert.match(lab.predict("late", { none: "nothing", last: "the last value" }).text, /"last"\s+the last value/);
  assert.match(lab.reveal("late", "last").text, /no forecast/);
  assert.throws(() => lab.guess("late", "lost"), { code: "BAD_ARGUMENT" });
  assert.match(lab.guess("late", "none").text, /Your forecast: nothing/);
  assert.match(lab.reveal("late", "last").text, /not as you said/);
  assert.throws(() => lab.reveal("late", "never"), { code: "BAD_ARGUMENT" });
  lab.predict("packets", { 4: "four", 8: "eight" });
  assert.match(lab.guess("packets", 8).text, /Your forecast: eight/);
});

lesson("an observation that differs fails, unless this version is known for it", (lab, broker) => {
  lab.observe("MQTT-1", { a: 1 }, { a: 1 }, { broker });
  assert.match(card(), /✓ MQTT-1: \{a: 1\}/);
  assert.throws(() => lab.observe("MQTT-1", 1, 2, { broker }), { code: "OBSERVATION_DIFFERS" });
  const known = (version: string) => ({ broker, deviations: [{ versions: [version], actual: 1, why: "an old bug" }] });
  lab.observe("MQTT-1", 1, 2, known(broker.version));
  assert.match(card(), /◐ MQTT-1: 1, expected 2 \(an old bug\)/);
  lab.observe("MQTT-1", 1, 2, known(broker.version.split(".").slice(0, 2).join(".")));
  assert.throws(() => lab.observe("MQTT-1", 1, 2, known("9.9")), { code: "OBSERVATION_DIFFERS" });
  assert.throws(() => lab.observe("MQTT-1", 3, 2, known(broker.version)), { code: "OBSERVATION_DIFFERS" });
});

test("hints are the sections of the file, or its numbered paragraphs", () => {
  assert.deepEqual(hintSteps("# x\n\n## a\n\none\n\n## b\ntwo\n"), ["one", "two"]);
  assert.deepEqual(hintSteps("1. one\n2. two\n   more\n"), ["one", "two\n   more"]);
  assert.deepEqual(hintSteps(""), []);
});
