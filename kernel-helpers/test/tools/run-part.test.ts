import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

const runner = `
const { runPart } = require(process.argv[2]);
const { Tally } = require(process.argv[3]);
const tally = new Tally();
runPart("part", process.argv.slice(4), tally).then(() => console.log(tally.summary() + "\\n" + tally.closingLine()));
`;

/** Runs test files as \`npm test\` does. Resolves to what stands on the screen. */
function runFiles(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "run part "));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const paths = Object.entries(files).map(([name, text]) => {
    const path = join(folder, `${name}.test.js`);
    writeFileSync(path, `const test = require("node:test");\nconst assert = require("node:assert");\n${text}`);
    return path;
  });
  const program = join(folder, "runner.js");
  writeFileSync(program, runner);
  const modules = ["run-part", "tally"].map((name) => require.resolve(`kernel-helpers/dist/tools/test/${name}`));
  // The runner refuses to run inside a test.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, ...modules, ...paths], { env }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stderr}`));
      else resolve(stdout);
    });
  });
}

const lastLine = (text: string): string | undefined => text.trimEnd().split("\n").at(-1);

test("tests are counted one by one; groups are not", async (t) => {
  const output = await runFiles(t, {
    a: `test("one", () => {}); test.describe("group", () => { test.it("two", () => {}); test.it("three", () => {}); });`,
    b: `test("four", async (t) => { await t.test("five", () => {}); });`,
  });
  assert.equal(lastLine(output), "5 passed, 0 failed, 0 skipped");
  assert.match(output, /^part: 5 passed, \d+\.\d s$/m);
});

test("a failing test shows its whole error, and is named at the end", async (t) => {
  const output = await runFiles(t, {
    a: `test("sums", () => { console.log("printed before"); assert.deepEqual({ a: [1, 2] }, { a: [1, 3] }); });
        test.describe("group", () => { test.it("inner", () => { throw new TypeError("deep down"); }); });`,
  });
  assert.equal(lastLine(output), "0 passed, 2 failed, 0 skipped");
  assert.match(output, /✗ .*sums/);
  assert.match(output, /actual: \{ a: \[ 1, 2 \] \}/);
  assert.match(output, /TypeError.*: deep down/);
  assert.match(output, /printed before/);
  assert.match(output, /Failed:\n.*sums\n.*inner/);
});

test("skipped tests are listed by their reasons", async (t) => {
  const output = await runFiles(t, {
    a: `test("x", { skip: "no engine" }, () => {}); test("y", (t) => t.skip("no engine")); test("z", { skip: true }, () => {});`,
  });
  assert.equal(lastLine(output), "0 passed, 0 failed, 3 skipped");
  assert.match(output, /2 × no engine\n.*x; .*y\n/);
  assert.match(output, /1 × no reason given/);
});

test("a file that breaks, exits or fails to load counts as failed", async (t) => {
  const output = await runFiles(t, {
    load: `require("./not-there");`,
    exit: `test("fine", () => {}); process.exit(7);`,
    hook: `test.describe("group", () => { test.before(() => { throw new Error("hook broke"); }); test.it("never", () => {}); });`,
    good: `test("good", () => {});`,
  });
  const [, passed, failed] = /^(\d+) passed, (\d+) failed, 0 skipped$/.exec(lastLine(output)!)!;
  assert.ok(Number(passed) >= 1, output);
  assert.ok(Number(failed) >= 3, output);
  assert.match(output, /not-there/);
  assert.match(output, /hook broke/);
});
