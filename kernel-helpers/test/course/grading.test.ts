import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { type TestContext, test } from "node:test";
import { until } from "kernel-helpers/dist/core/until";
import type { Cell, Notebook } from "kernel-helpers/dist/notebook/model";
import { gradeOne } from "kernel-helpers/dist/tools/grading/grade-one";
import type { Reported } from "kernel-helpers/dist/tools/grading/result";
import type { Limits } from "kernel-helpers/dist/tools/grading/run";
import { variantsOf } from "kernel-helpers/dist/tools/lab-notebook";
import { LAB, leftovers, noEngine, submission, useFixture } from "./fixture";

useFixture();
const ready = noEngine("local");

/** Generous to a busy machine, except where a test is about a limit. */
const LIMITS: Limits = { cell: 30_000, check: 30_000, submission: 180_000 };

async function grade(
  t: TestContext,
  texts: Record<string, string>,
  options: { limits?: Limits; change?: (notebook: Notebook) => Notebook } = {},
): Promise<Reported | undefined> {
  const missing = await ready;
  if (missing) {
    t.skip(missing);
    return undefined;
  }
  const file = submission(t, texts, options.change);
  const limits = { ...LIMITS, ...options.limits };
  const graded = await gradeOne({ file, learner: "ada", seed: "test", engine: "local", limits });
  await nothingLeft();
  return graded;
}

/** What is there now may be another test file's grading; that goes when it ends, ours would stay. */
async function nothingLeft(): Promise<void> {
  const there = leftovers();
  if (!there.length) return;
  const gone = () => !leftovers().some((name) => there.includes(name));
  await until(`these are gone: ${there.join(", ")}`, gone, { timeout: 120_000, every: 200 });
}

const marks = (graded: Reported): Record<string, string> =>
  Object.fromEntries(graded.checks.map((check) => [check.id.slice("check-".length), `${check.status} ${check.score}`]));

const solution = (id: string): string => variantsOf(LAB, id).find((one) => one.kind === "solution")!.source;

/** Does nothing, with the arguments that the check gives it. */
const IDLE = "const announce = async (url: string, topic: string, value: string): Promise<void> => {};";

const RIGHT = { announce: "passed 2", doors: "passed 3", once: "passed 1" };

test("right answers earn all, by function, text and what went through the tap", async (t) => {
  const graded = await grade(t, {});
  if (!graded) return;
  assert.deepEqual(marks(graded), RIGHT, JSON.stringify(graded.checks));
  assert.deepEqual([graded.score, graded.points, graded.lab, graded.notes], [6, 6, "90-mini", []]);
});

test("right answers earn all on containers, too", async (t) => {
  const missing = await noEngine("docker");
  if (missing) return t.skip(missing);
  const graded = await gradeOne({
    file: submission(t, {}),
    learner: "ada",
    seed: "test",
    engine: "docker",
    limits: LIMITS,
  });
  assert.deepEqual(marks(graded), RIGHT, JSON.stringify(graded.checks));
  await nothingLeft();
});

test("stubs earn nothing, a part earns its part, a wrong answer says what was seen", async (t) => {
  const graded = await grade(t, {
    announce: IDLE,
    doors: "const doorsConf = `\nlistener 1883\nallow_anonymous true\n`;",
    once: "tap.clear();",
  });
  if (!graded) return;
  assert.deepEqual(marks(graded), { announce: "failed 0", doors: "failed 1", once: "failed 0" });
  const message = graded.checks.find((check) => check.id === "check-doors")?.message ?? "";
  assert.match(message, /1 point: 1883 is open/);
  assert.match(message, /no listener on port 1884/);
});

test("an empty text is untouched, a cell that does not compile costs its own points", async (t) => {
  const graded = await grade(t, { announce: "const announce = (((", doors: "const doorsConf = ``;" });
  if (!graded) return;
  assert.deepEqual(marks(graded), { announce: "error 0", doors: "failed 0", once: "passed 1" });
  assert.match(graded.checks[1]?.message ?? "", /^untouched/);
});

const ends = { "process.exit(0)": "process.exit(0)", SIGKILL: 'process.kill(process.pid, "SIGKILL")' };
for (const [name, text] of Object.entries(ends)) {
  test(`${name} costs that exercise and no other`, async (t) => {
    const graded = await grade(t, { announce: `${text};\n${IDLE}` });
    if (!graded) return;
    assert.deepEqual(marks(graded), { ...RIGHT, announce: "error 0" });
    // The course's kernel makes process.exit an error; a signal ends it.
    const ended = graded.notes.some((note) => /announce.*new kernel/.test(note));
    assert.equal(ended, name === "SIGKILL", graded.notes.join("\n"));
  });
}

test("endless loops, with and without an await, are ended", async (t) => {
  const graded = await grade(
    t,
    { announce: "for (;;) {}", once: "for (;;) await null;" },
    { limits: { cell: 12_000 } },
  );
  if (!graded) return;
  const { announce, doors, once } = marks(graded);
  assert.equal(doors, "passed 3");
  assert.equal(announce, "timeout 0");
  assert.equal(once, "failed 0");
});

test("a function that hangs ends its check, and the check is a timeout", async (t) => {
  const text = "const announce = (url: string, topic: string, value: string): Promise<void> => new Promise(() => {});";
  const graded = await grade(t, { announce: text }, { limits: { check: 3_000 } });
  if (!graded) return;
  assert.deepEqual(marks(graded), { ...RIGHT, announce: "timeout 0" });
});

test("a function that ends its kernel while the check runs fails that check", async (t) => {
  const graded = await grade(t, {
    announce:
      "const announce = async (url: string, topic: string, value: string) => void process.kill(process.pid, 9);",
  });
  if (!graded) return;
  assert.deepEqual(marks(graded), { ...RIGHT, announce: "failed 0" });
});

test("memory, disk, a listening port and a process that hides cost that exercise and no other", async (t) => {
  const MIB = 1024 * 1024;
  const hog =
    "const hold: Buffer[] = []; for (;;) { hold.push(Buffer.alloc(32 * 1024 * 1024, 1)); await new Promise((go) => setTimeout(go, 20)); }";
  const memory = await grade(t, { announce: `${hog}\n${IDLE}` }, { limits: { memory: 700 * MIB } });
  if (!memory) return;
  assert.deepEqual(marks(memory), { ...RIGHT, announce: "error 0" });
  assert.match(memory.notes.join(), /more memory than there is for one submission \(700 MiB\)/);
  const fill = `import { appendFileSync } from "node:fs";
for (;;) { appendFileSync("full", Buffer.alloc(4 * 1024 * 1024, 1)); await new Promise((go) => setTimeout(go, 50)); }`;
  const disk = await grade(t, { announce: `${fill}\n${IDLE}` }, { limits: { disk: 24 * MIB } });
  assert.deepEqual(marks(disk!), { ...RIGHT, announce: "error 0" });
  assert.match(disk!.notes.join(), /wrote more to disk/);
  const hidden = `1${process.pid}`;
  const stays = `import { createServer } from "node:net";
import { spawn } from "node:child_process";
createServer().listen(0);
spawn("setsid", ["sleep", "${hidden}"], { detached: true, stdio: "ignore" }).unref();
${IDLE}`;
  const left = await grade(t, { announce: stays });
  assert.deepEqual(marks(left!), { ...RIGHT, announce: "failed 0" });
  const running = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
  assert.ok(!running.includes(`sleep ${hidden}`), "the process that hid is gone, too");
});

const CHEATS: Record<string, { text: string; status: RegExp }> = {
  "a check of one's own, called before": {
    text: `${IDLE}
await lab.check("check-announce", { announce, broker }, async (t) => void t.ok(true, "mine")).catch(() => 0);`,
    status: /^failed 0$/,
  },
  "lab.check replaced, the verdict printed": {
    text: `${IDLE}
(lab as any).check = async () => 2;
console.log(JSON.stringify({ id: "check-announce", status: "passed", score: 2 }));`,
    status: /^missing 0$/,
  },
  "prototypes and JSON patched": {
    text: `${IDLE}
const parse = JSON.parse;
JSON.parse = (text: string) => parse(text.replaceAll('"failed"', '"passed"'));
(Array.prototype as any).every = () => true;
(Array.prototype as any).some = () => true;
Object.is = () => true;`,
    status: /^(failed|error|missing) 0$/,
  },
  "a broker of one's own in the given's place": {
    text: `${IDLE}
const broker = { url: "mqtt://127.0.0.1:1883" } as any;`,
    status: /^failed 0$/,
  },
  "the judge's socket without a token": {
    text: `import { connect } from "node:net";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
${IDLE}
for (const name of readdirSync(tmpdir()).filter((one) => one.startsWith("mqtt-judge-"))) {
  const socket = connect(\`\${tmpdir()}/\${name}/s\`);
  const body = Buffer.from(JSON.stringify({ id: 1, call: "check", args: { id: "check-announce", given: {} } }));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  socket.on("error", () => {});
  socket.write(Buffer.concat([length, body]));
}
if (process.env.MQTT_LAB_JUDGE) console.log("the token is here");`,
    status: /^failed 0$/,
  },
  "a flood of output": {
    text: `${IDLE}
for (;;) {
  console.log("x".repeat(1_000_000));
  await new Promise((resolve) => setImmediate(resolve));
}`,
    status: /^(error|failed|missing) 0$/,
  },
  "a child process left behind": {
    text: `import { spawn } from "node:child_process";
${IDLE}
spawn("sleep", ["987"]);`,
    status: /^failed 0$/,
  },
};
for (const [name, { text, status }] of Object.entries(CHEATS)) {
  test(`nothing for: ${name}`, async (t) => {
    const graded = await grade(t, { announce: text });
    if (!graded) return;
    const { announce, doors } = marks(graded);
    assert.match(announce ?? "", status, JSON.stringify(graded.checks));
    // What a cell patches in its own kernel costs its own checks there, too.
    if (!/prototypes|replaced/.test(name)) assert.equal(doors, "passed 3");
  });
}

const GIVEN: Record<string, string> = {
  "a huge text": 'const doorsConf = "x".repeat(30_000_000);',
  "a proxy": "const doorsConf = new Proxy({}, { get() { throw 1; }, ownKeys() { for (;;) {} } }) as any;",
  "a getter": "const doorsConf = { get trim() { throw 1; } } as any;",
  "an object that is no text": 'const doorsConf = { toString: () => "listener 1883" } as any;',
  "a file of the grader's": 'const doorsConf = "listener 1883\\nallow_anonymous true\\nplugin /tmp/none.so";',
};
for (const [name, text] of Object.entries(GIVEN)) {
  test(`a configuration that is ${name} fails its check, and harms nothing`, async (t) => {
    const graded = await grade(t, { doors: text });
    if (!graded) return;
    assert.deepEqual(marks(graded), { ...RIGHT, doors: "failed 0" });
  });
}

const without = (id: string) => (notebook: Notebook) => ({
  ...notebook,
  cells: notebook.cells.filter((cell) => cell.id !== id),
});
const inPlace = (id: string, make: (cell: Cell) => Cell[]) => (notebook: Notebook) => ({
  ...notebook,
  cells: notebook.cells.flatMap((cell) => (cell.id === id ? make(cell) : [cell])),
});

test("edited, deleted and doubled cells change nothing, and are noted", async (t) => {
  const change = (notebook: Notebook): Notebook => {
    const edited = inPlace("check-announce", (cell) => [
      { ...cell, source: "3" },
      { ...cell, id: "copy" },
    ])(notebook);
    const own = inPlace("start-broker", (cell) => [
      cell,
      { ...cell, id: "own", source: "process.exit(1)", metadata: {} },
    ]);
    return without("check-doors")(own(edited));
  };
  const graded = await grade(t, { announce: IDLE }, { change });
  if (!graded) return;
  assert.deepEqual(marks(graded), { ...RIGHT, announce: "failed 0" });
  for (const note of [
    /check-announce is there 2 times/,
    /check-announce was changed/,
    /check-doors was deleted/,
    /of the learner's own/,
  ]) {
    assert.ok(
      graded.notes.some((one) => note.test(one)),
      `${note} in ${graded.notes.join("; ")}`,
    );
  }
});

test("a notebook of another lab, or none at all, has no points and a reason", async (t) => {
  const other = (notebook: Notebook) => ({
    ...notebook,
    metadata: { ...notebook.metadata, mqtt: { lab: "../../etc" } },
  });
  const graded = await grade(t, {}, { change: other });
  if (!graded) return;
  assert.deepEqual([graded.score, graded.checks.length], [0, 0]);
  assert.match(graded.notes[0] ?? "", /does not have/);
});

test("a named volume is each kernel's own, and goes with it; no name leads out of the volumes", async (t) => {
  const text = `const conf = "listener 1883\\nallow_anonymous true\\npersistence true\\npersistence_location /mosquitto/data/";
const kept = () => lab.broker({ name: "kept", volume: "kept", conf });
const found = async (broker: Awaited<ReturnType<typeof kept>>) => {
  const reader = await lab.client(broker, { name: "reader" });
  await reader.mqtt.subscribeAsync("left", { qos: 1 });
  return reader.next("left", { timeout: 1_000 }).then(() => true, () => false);
};
const before = await found(await kept());
const first = await kept();
const writer = await lab.client(first, { name: "writer" });
await writer.mqtt.publishAsync("left", "here", { retain: true, qos: 1 });
await first.stop();
const after = await found(await kept());
const out = await lab.removeVolume("../volumes").then(() => "done", (error) => error.code);
if (before || !after || out !== "BAD_ARGUMENT") throw new Error(JSON.stringify({ before, after, out }));
`;
  for (const _ of ["one learner", "the next"]) {
    const graded = await grade(t, { announce: text + solution("announce") });
    if (!graded) return;
    assert.deepEqual(marks(graded), RIGHT, JSON.stringify(graded.checks));
  }
});
