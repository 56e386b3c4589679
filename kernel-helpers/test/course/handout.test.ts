import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type * as Execute from "kernel-helpers/dist/kernel/execute";
import type { RunnableNotebook } from "kernel-helpers/dist/kernel/execute";
import { isGraded } from "kernel-helpers/dist/notebook/model";
import { belongs, handOut } from "kernel-helpers/dist/tools/handout";
import { labList } from "kernel-helpers/dist/tools/lab-list";
import { readLab } from "kernel-helpers/dist/tools/lab-notebook";
import { outcomesOf } from "kernel-helpers/dist/tools/outputs";
import { noEngine } from "./fixture";

const below = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name).slice(folder.length + 1))
    .sort();

test("a handout has notebooks and hints, and nothing that gives an answer away", (t) => {
  const base = mkdtempSync(join(tmpdir(), "mqtt-handout-"));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const course = join(base, "course");
  const files = [
    "package.json",
    ".npmrc",
    "LICENSE",
    "notebooks/01-a.ipynb",
    "notebooks/01-a-solved.ipynb",
    "notebooks/.ipynb_checkpoints/01-a-checkpoint.ipynb",
    "notebooks/course.json",
    "notebooks/material/01-a/x.conf",
    "notebooks/mine/01-a.ipynb",
    "notebooks/solutions/01-a/one/hints.md",
    "notebooks/solutions/01-a/one/solution.ts",
    "notebooks/solutions/01-a/one/wrong-x.ts",
    "notebooks/solutions/01-a/one/cheat-y.ts",
    "kernel-helpers/src/index.ts",
    "kernel-helpers/dist/index.js",
    "kernel-helpers/test/a.test.ts",
    "kernel-helpers/embedded/out/mosquitto.wasm",
    "kernel-helpers/tsconfig.tsbuildinfo",
    "site/dist-build/page.js",
    "submissions/ada/01-a.ipynb",
    "marks.csv",
    "seed.txt",
    "node_modules/x/index.js",
    ".cache/progress/01-a.json",
    ".git/config",
  ];
  for (const file of files) {
    mkdirSync(dirname(join(course, file)), { recursive: true });
    writeFileSync(join(course, file), "");
  }
  const out = join(base, "out");
  handOut(course, out, ["01-a"]);
  assert.deepEqual(below(out), [
    ".npmrc",
    "LICENSE",
    "kernel-helpers/src/index.ts",
    "notebooks/01-a.ipynb",
    "notebooks/course.json",
    "notebooks/material/01-a/x.conf",
    "notebooks/solutions/01-a/one/hints.md",
    "package.json",
  ]);
  assert.throws(() => handOut(course, out, []), { code: "BAD_ARGUMENT", message: /not empty/ });
  assert.throws(() => handOut(course, join(course, "out"), []), { code: "BAD_ARGUMENT", message: /inside the course/ });
});

const root = dirname(dirname(require.resolve("kernel-helpers/package.json")));

test("of this course all goes along that a learner needs, and what does not is left out by name", (t) => {
  if (!existsSync(join(root, ".git"))) return t.skip("this is no git checkout, so nothing says what belongs to it");
  const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: root }).toString().split("\0").filter(Boolean);
  const labs = labList().map(({ slug }) => slug);
  const forAuthors = /^(\.ci|kernel-helpers\/test|site\/test)\/|^notebooks\/solutions\/.*\.ts$/;
  const wrong = tracked.filter((file) => existsSync(join(root, file)) && belongs(file, labs) === forAuthors.test(file));
  assert.deepEqual(wrong, []);
});

/** Packages of this course's own installation, and the copy's own helpers among them. */
function lendPackages(out: string): void {
  const [from, to] = [join(root, "node_modules"), join(out, "node_modules")];
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    const own = ["kernel-helpers", "site"].find(
      (workspace) => realpathSync(join(from, name)) === join(root, workspace),
    );
    symlinkSync(own ? join(out, own) : join(from, name), join(to, name));
  }
}

test("a handed-out course sets itself up, and the first lab's first check judges a stub there", async (t) => {
  const missing = (await noEngine("local")) && (await noEngine("docker"));
  if (missing) return t.skip(missing);
  const engine = (await noEngine("local")) ? "docker" : "local";
  const base = mkdtempSync(join(tmpdir(), "mqtt-handout-"));
  t.after(() => rmSync(base, { recursive: true, force: true, maxRetries: 3 }));
  const out = join(realpathSync(base), "course");
  const labs = labList().map(({ slug }) => slug);
  handOut(root, out, labs);
  lendPackages(out);
  const setUp = ["kernel-helpers/setup.mjs", "progress"];
  const { stdout } = await promisify(execFile)(process.execPath, setUp, { cwd: out });
  assert.match(stdout, new RegExp(labs[0]!.replace(/^\d+-/, "")), "its programs run");
  const { executeNotebook } = require(join(out, "kernel-helpers/dist/kernel/execute.js")) as typeof Execute;
  const whole = readLab(labs[0]!, join(out, "notebooks"));
  const cells = whole.cells.slice(0, whole.cells.findIndex(isGraded) + 1);
  const run = await executeNotebook({ ...whole, cells } as unknown as RunnableNotebook, {
    cwd: join(out, "notebooks"),
    allowErrors: true,
    kernelEnv: { MQTT_LAB_ENGINE: engine, MQTT_LAB_NOTEBOOKS: undefined, MQTT_LAB_PROGRESS: join(base, "progress") },
  });
  const last = run.cells.at(-1);
  assert.equal(last?.status, "ok", last?.error?.traceback.join("\n"));
  const [outcome] = outcomesOf(run.notebook as never).values();
  assert.ok(outcome && outcome.score === 0 && outcome.points > 0, JSON.stringify(outcome));
});
