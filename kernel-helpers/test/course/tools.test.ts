import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseNotebook } from "kernel-helpers/dist/notebook/model";
import { main as course, type LabRun, runLab } from "kernel-helpers/dist/tools/course";
import { main as grade } from "kernel-helpers/dist/tools/grade";
import { submissionsIn } from "kernel-helpers/dist/tools/grading/found";
import { toCsv, toHtml } from "kernel-helpers/dist/tools/grading/report";
import { markOf } from "kernel-helpers/dist/tools/grading/result";
import { labList, pickLabs } from "kernel-helpers/dist/tools/lab-list";
import { exercisesOf, readLab, solvedLab, variantsOf } from "kernel-helpers/dist/tools/lab-notebook";
import { formatNotebooks } from "kernel-helpers/dist/tools/notebooks";
import { proveLabs } from "kernel-helpers/dist/tools/prove";
import { copyOfFixture, LAB, noEngine, scratch, submission, useFixture } from "./fixture";

useFixture();
process.env.MQTT_LAB_ENGINE = "local";
const ready = noEngine("local");

const run = (out: string): Promise<LabRun> =>
  runLab({ slug: LAB }, { engine: "local", version: "2.0.11", out, env: { MQTT_LAB_ENGINE: "local" } });

test("a word names a lab by number or slug; another one says which would be right", () => {
  const labs = labList();
  for (const word of ["90", "090", LAB]) assert.deepEqual(pickLabs([word, word], "npm run course", labs), labs);
  assert.throws(() => pickLabs(["mini"], "npm run course", labs), {
    code: "BAD_ARGUMENT",
    hint: "npm run course -- 90-mini",
  });
});

test("exercises know their checks, and the answers beside them", () => {
  assert.deepEqual(exercisesOf(readLab(LAB)), [
    { id: "announce", checks: ["check-announce"] },
    { id: "doors", checks: ["check-doors"] },
    { id: "once", checks: ["check-once"] },
  ]);
  const kinds = variantsOf(LAB, "announce").map((variant) => variant.kind);
  assert.deepEqual(kinds.sort(), ["cheat", "other", "solution", "wrong", "wrong", "wrong"]);
  const sources = solvedLab(LAB).cells.map((cell) => String(cell.source));
  assert.ok(sources.some((text) => text.includes("retain: true")) && sources.includes('lab.guess("late", "all")'));
});

test("the solved lab runs green, and its executed notebook holds the views", async (t) => {
  const missing = await ready;
  if (missing) return t.skip(missing);
  const out = scratch(t);
  const answer = await run(out);
  assert.deepEqual([answer.ok, answer.error, answer.cells], [true, null, 14]);
  const executed = parseNotebook(readFileSync(join(out, `${LAB}.ipynb`), "utf8"));
  const text = JSON.stringify(executed);
  for (const kind of ["check", "reveal", "observation"]) assert.ok(text.includes(`"kind":"${kind}"`), kind);
});

test("a check that isn't passed, a forecast without an answer and an observation that differs are red", async (t) => {
  const missing = await ready;
  if (missing) return t.skip(missing);
  const folder = copyOfFixture(t);
  writeFileSync(join(folder, "solutions", LAB, "once", "solution.ts"), "tap.clear();\n");
  writeFileSync(join(folder, "solutions", LAB, "guess-late", "solution.ts"), 'lab.guess("late", "")\n');
  useFixture(folder);
  try {
    const answer = await run(join(folder, "out"));
    assert.equal(answer.ok, false);
    assert.match(answer.error ?? "", /check-once: the check is failed/);
    assert.match(answer.error ?? "", /no forecast for "late"/);
    const file = join(folder, `${LAB}.ipynb`);
    writeFileSync(file, readFileSync(file, "utf8").replace('[\\"1\\"], { broker }', '[\\"2\\"], { broker }'));
    const differs = await run(join(folder, "out"));
    assert.match(differs.error ?? "", /cell observe: OBSERVATION_DIFFERS: MQTT-3\.3\.1-6/);
  } finally {
    useFixture();
  }
});

test("every variant proves what it was written for; a wrong answer that passes is told", async (t) => {
  const missing = await ready;
  if (missing) return t.skip(missing);
  const proofs = await proveLabs([LAB]);
  assert.deepEqual(
    proofs.filter((proof) => !proof.ok),
    [],
  );
  assert.equal(proofs.length, 18);
});

test("prove is red for wrong answers that pass, fail for another reason, or are missing", async (t) => {
  const missing = await ready;
  if (missing) return t.skip(missing);
  const folder = copyOfFixture(t);
  const beside = join(folder, "solutions", LAB, "once");
  const right = readFileSync(join(beside, "solution.ts"), "utf8");
  writeFileSync(join(beside, "wrong-twice.ts"), `// expect: [1, 1]\n${right}`);
  writeFileSync(join(beside, "wrong-qos.ts"), "// expect: [2]\ntap.clear();\n");
  writeFileSync(join(beside, "wrong-past-the-tap.ts"), "tap.clear();\n");
  useFixture(folder);
  try {
    const proofs = await proveLabs([LAB], undefined, (exercise) => exercise === "once");
    const said = proofs
      .filter((proof) => !proof.ok)
      .map((proof) => `${proof.variant}: ${proof.error}`)
      .join("\n");
    assert.match(said, /wrong-twice: passes/);
    assert.match(said, /wrong-qos: fails for another reason/);
    assert.match(said, /all: wrong-past-the-tap\.ts does not begin with/);
  } finally {
    useFixture();
  }
});

test("wrong words end with 2", async () => {
  const before = console.error;
  const said: string[] = [];
  console.error = (...words: unknown[]) => void said.push(words.map(String).join(" "));
  try {
    assert.equal(await course({ words: ["nonsense"], options: {} }), 2);
    assert.equal(await course({ words: [LAB], options: { jobs: "many" } }), 2);
    assert.equal(await grade({ words: ["no-such-folder"], options: {} }), 2);
    assert.equal(await grade({ words: [], options: {} }), 2);
  } finally {
    console.error = before;
  }
  assert.match(said.join("\n"), /Try: npm run course -- 90-mini/);
});

test("grade writes JSON as promised, nbgrader's CSV and a page; one broken file costs no other", async (t) => {
  const missing = await ready;
  if (missing) return t.skip(missing);
  const folder = scratch(t);
  const broken = join(folder, "broken.ipynb");
  writeFileSync(broken, "{ no json");
  const good = submission(t, { doors: "const doorsConf = `listener 1883\\nallow_anonymous true`;" });
  const files = { json: join(folder, "m.json"), csv: join(folder, "m.csv"), html: join(folder, "m.html") };
  const log = console.log;
  console.log = () => undefined;
  try {
    assert.equal(await grade({ words: [broken, good], options: files }), 0);
  } finally {
    console.log = log;
  }
  const { submissions } = JSON.parse(readFileSync(files.json, "utf8")) as { submissions: Record<string, unknown>[] };
  const shapes = submissions.map((one) => Object.keys(one).join());
  assert.deepEqual(new Set(shapes), new Set(["file,learner,lab,score,points,checks,notes"]));
  assert.deepEqual(
    submissions.map((one) => one.score),
    [0, 4],
  );
  const checks = submissions[1]?.checks as Record<string, unknown>[];
  assert.deepEqual(Object.keys(checks[0] ?? {}), ["id", "points", "score", "status", "message"]);
  assert.match(
    readFileSync(files.csv, "utf8"),
    /^assignment,duedate,timestamp,student_id,.*\r\n,,,broken,.*\r\n90-mini,/,
  );
  assert.match(readFileSync(files.html, "utf8"), /no listener on port 1884/);
});

test("whose a notebook is: the first folder below, else the file's name, else as said", (t) => {
  const folder = copyOfFixture(t);
  const found = submissionsIn([folder]);
  assert.deepEqual(
    found.map((one) => one.learner),
    [LAB],
  );
  assert.deepEqual(
    submissionsIn([join(folder, "..")]).map((one) => one.learner),
    ["course"],
  );
  assert.deepEqual(
    submissionsIn([folder], "ada").map((one) => one.learner),
    ["ada"],
  );
});

test("reports quote what a learner wrote", () => {
  const check = markOf("c", 1, undefined, { how: "error", message: "\u001b[31m<script>\n\u0007" });
  assert.deepEqual(check, { id: "c", points: 1, score: 0, status: "error", message: "<script>" });
  const one = {
    file: "f",
    learner: '=cmd|"x",\n',
    lab: "l",
    score: 0,
    points: 1,
    checks: [check],
    notes: [],
    outcomes: new Map(),
    times: {},
    seconds: 0,
    handedIn: "",
  };
  assert.match(toCsv([one]), /l,,,"'=cmd\|""x"",\n",,,,0,0,0,1/);
  const page = toHtml([one]);
  assert.ok(page.includes("&lt;script&gt;") && !page.includes("<script"));
});

test("how a cell ended says why there is no verdict, and never makes one", () => {
  const status = (how: "ok" | "error" | "timeout" | "died" | "not run") => {
    const mark = markOf("c", 1, undefined, { how, message: "passed" });
    return `${mark.status} ${mark.score}`;
  };
  const all = (["ok", "error", "timeout", "died", "not run"] as const).map(status);
  assert.deepEqual(all, ["missing 0", "error 0", "timeout 0", "error 0", "missing 0"]);
});

test("the course's own notebooks and course.json are as the formatter writes them", async () => {
  delete process.env.MQTT_LAB_NOTEBOOKS;
  try {
    assert.deepEqual(await formatNotebooks({ check: true }), []);
    assert.ok(labList().length >= 1);
  } finally {
    useFixture();
  }
});
