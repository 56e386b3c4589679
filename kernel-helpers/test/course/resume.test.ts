import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { courseRoot } from "kernel-helpers/dist/core/paths";
import { until } from "kernel-helpers/dist/core/until";
import { writeNotebook } from "kernel-helpers/dist/notebook/format";
import { journalFile } from "kernel-helpers/dist/tools/grading/journal";
import type { Graded } from "kernel-helpers/dist/tools/grading/result";
import { solvedLab } from "kernel-helpers/dist/tools/lab-notebook";
import { fixture, LAB, noEngine, scratch, useFixture } from "./fixture";

useFixture();
const LEARNERS = ["ada", "bob", "cy", "di", "eve"];
const TOOL = ["kernel-helpers/setup.mjs", "grade"];

/** How an instructor's grading may be cut off, and what of it the signal reaches. */
const INTERRUPTIONS = [
  { how: "Ctrl-C in the terminal of npm", command: "npm", signal: "SIGINT", group: true },
  { how: "everything killed", command: "npm", signal: "SIGKILL", group: true },
  // A shell of npm's keeps a SIGINT for npm alone to itself until the run is over; this one ends it.
  { how: "SIGTERM for npm alone", command: "npm", signal: "SIGTERM", group: false },
  { how: "SIGINT for the tool alone", command: "node", signal: "SIGINT", group: false },
] as const;

test("cut off in four ways, a grading goes on with --resume: nothing done is lost or done again", async (t) => {
  const missing = (await noEngine("local")) || (process.platform === "linux" ? false : "processes are found by /proc");
  if (missing) return t.skip(missing);
  const folder = scratch(t);
  for (const learner of LEARNERS) {
    const into = join(folder, "submitted", learner, LAB);
    mkdirSync(into, { recursive: true });
    writeFileSync(join(into, `${LAB}.ipynb`), writeNotebook(solvedLab(LAB, {})));
  }
  const kept = journalFile([join(folder, "submitted")]);
  t.after(() => rmSync(kept, { force: true }));
  const seeds = new Set<string>();
  for (const [n, interruption] of INTERRUPTIONS.entries()) {
    const run = start(t, folder, interruption.command, n > 0);
    await run.says(`[${n + 1}/${LEARNERS.length}]`);
    await until("the next kernel runs", () => run.processes().some((args) => args.includes("launch.js")), SLOW);
    process.kill(interruption.group ? -run.child.pid! : run.child.pid!, interruption.signal);
    await run.ended;
    await until(`${interruption.how}: nothing stays`, () => run.processes().length === 0, SLOW);
    seeds.add(run.seed());
    const files = readdirSync(join(folder, "marks"));
    if (interruption.signal !== "SIGKILL") {
      assert.match(run.said(), /interrupted: the same line with --resume/, interruption.how);
      // And no half ones beside them.
      const whole = ["m.csv", "m.html", "m.json", ...(n > 0 ? ["m"] : [])];
      assert.deepEqual(files.sort(), whole.sort(), interruption.how);
      assert.ok(marksIn(folder).length > n, `${interruption.how}: what was done is in the files`);
    } else if (files.includes("m.json")) marksIn(folder);
  }
  const last = start(t, folder, "npm", true);
  assert.equal((await last.ended).code, 0, last.said());
  seeds.add(last.seed());
  assert.deepEqual(
    marksIn(folder).map((one) => `${one.learner} ${one.score}`),
    LEARNERS.map((learner) => `${learner} 6`),
  );
  // What is run is written down once: a second line for a learner would be a second run.
  const done = readFileSync(kept, "utf8").trim().split("\n").slice(1);
  const learners = done.map((line) => (JSON.parse(line) as { graded: Graded }).graded.learner);
  assert.deepEqual(learners, LEARNERS);
  assert.equal(seeds.size, 1, "every part of it has the same seed");
});

const SLOW = { timeout: 120_000, every: 50 };

/** The JSON report, whole. */
const marksIn = (folder: string): Graded[] =>
  (JSON.parse(readFileSync(join(folder, "marks", "m.json"), "utf8")) as { submissions: Graded[] }).submissions;

function start(t: TestContext, folder: string, command: "npm" | "node", resume: boolean) {
  // The one variable that learners' kernels have of ours: what carries it was started by this run.
  const mark = join(folder, `run-${Math.random().toString(36).slice(2)}`);
  const out = ["json", "csv", "html"].flatMap((kind) => [`--${kind}`, join(folder, "marks", `m.${kind}`)]);
  const words = [join(folder, "submitted"), ...out, "--jobs", "1", "--engine", "local", "--isolate", "process"];
  const [program, before] = command === "npm" ? ["npm", ["run", "grade", "--"]] : [process.execPath, TOOL];
  const child: ChildProcess = spawn(program, [...before, ...words, ...(resume ? ["--resume"] : [])], {
    cwd: courseRoot,
    env: { ...process.env, MQTT_LAB_NOTEBOOKS: fixture, PATH: `${process.env.PATH}:${mark}` },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let text = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding("utf8").on("data", (more: string) => {
      text += more;
    });
  const ended = new Promise<{ code: number | null }>((resolve) => child.once("close", (code) => resolve({ code })));
  const processes = () => carrying(mark);
  t.after(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, "SIGKILL");
  });
  return {
    child,
    ended,
    processes,
    said: () => text,
    seed: () => /seed (\w+)/.exec(text)?.[1] ?? "",
    says: (part: string) =>
      until(`it says ${part}`, () => text.includes(part) || child.exitCode !== null, SLOW).then(() =>
        assert.ok(text.includes(part), text),
      ),
  };
}

/** What runs with a word in its environment. */
function carrying(mark: string): string[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      if (!/^\d+$/.test(name) || !readFileSync(`/proc/${name}/environ`, "utf8").includes(mark)) return [];
      return readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ") || [];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}
