import assert from "node:assert/strict";
import { after, type TestContext, test } from "node:test";
import { courseRoot } from "kernel-helpers/dist/core/paths";
import type { Notebook } from "kernel-helpers/dist/notebook/model";
import { Farm } from "kernel-helpers/dist/tools/grading/farm";
import { type Isolation, prepareIsolation } from "kernel-helpers/dist/tools/grading/isolation";
import type { Reported } from "kernel-helpers/dist/tools/grading/result";
import { CHEATS, IDLE } from "./cheats";
import { noEngine, submission, useFixture } from "./fixture";

useFixture();

/** One for all of them: what a cheat leaves behind must not help the next. */
const farm = new Farm();
after(() => farm.end());

const LIMITS = { cell: 20_000, check: 20_000, submission: 180_000 };

/** As `npm run grade` does it: in another process. */
async function grade(
  t: TestContext,
  texts: Record<string, string>,
  options: { isolation?: Isolation; change?: (notebook: Notebook) => Notebook } = {},
): Promise<Reported> {
  const file = submission(t, texts, options.change);
  return farm.grade({
    file,
    learner: "ada",
    seed: "test",
    engine: "local",
    limits: LIMITS,
    isolation: options.isolation,
  });
}

const scoreOf = (graded: Reported, exercise: string): number | undefined =>
  graded.checks.find((check) => check.id === `check-${exercise}`)?.score;

test("there are more than twenty ways to cheat here", () => {
  assert.ok(Object.keys(CHEATS).length > 20, `${Object.keys(CHEATS).length}`);
});

for (const [name, { exercise, text }] of Object.entries(CHEATS)) {
  test(`a process, 0 points for: ${name}`, async (t) => {
    const missing = await noEngine("local");
    if (missing) return t.skip(missing);
    const graded = await grade(t, { [exercise]: text });
    assert.equal(scoreOf(graded, exercise), 0, JSON.stringify(graded.checks));
  });
}

/** The metadata and the checks are the learner's to write, and count for nothing. */
const NOTEBOOKS: Readonly<Record<string, (notebook: Notebook) => Notebook>> = {
  "more points written into the metadata": (notebook) => ({
    ...notebook,
    cells: notebook.cells.map((cell) =>
      cell.metadata.nbgrader?.grade
        ? { ...cell, metadata: { nbgrader: { ...cell.metadata.nbgrader, points: 100 } } }
        : cell,
    ),
  }),
  "the checks edited to be the points": (notebook) => ({
    ...notebook,
    cells: notebook.cells.map((cell) => (cell.metadata.nbgrader?.grade ? { ...cell, source: "2" } : cell)),
  }),
  "the checks deleted": (notebook) => ({
    ...notebook,
    cells: notebook.cells.filter((cell) => !cell.metadata.nbgrader?.grade),
  }),
  "outputs that show a pass": (notebook) => ({
    ...notebook,
    cells: notebook.cells.map((cell) => {
      const data = { "text/plain": ["2"] };
      const output = { output_type: "execute_result", execution_count: 1, metadata: {}, data };
      return cell.cell_type === "code" ? { ...cell, outputs: [output], execution_count: 1 } : cell;
    }),
  }),
};

for (const [name, change] of Object.entries(NOTEBOOKS)) {
  test(`0 points for: ${name}`, async (t) => {
    const missing = await noEngine("local");
    if (missing) return t.skip(missing);
    const graded = await grade(t, { announce: IDLE, doors: "const doorsConf = ``;", once: "tap.clear();" }, { change });
    assert.deepEqual([graded.score, graded.points], [0, 6], JSON.stringify(graded.checks));
  });
}

/** What a sealed kernel must not see; each finding is printed into the answer's place, where the card shows it. */
const LOOKS: Readonly<Record<string, string>> = {
  "solutions on disk": `import { execFileSync } from "node:child_process";
const find = "find / '(' -name 'solution*.ts' -o -path '*/solutions/*' ')' -not -path '/proc/*' 2>/dev/null || true";
const seen = execFileSync("sh", ["-c", find]).toString().trim();`,
  "the instructor's files": `import { existsSync } from "node:fs";
const seen = [${JSON.stringify(courseRoot)}, "/var/run/docker.sock", "/root/.ssh"].filter((path) => existsSync(path)).join();`,
  "other processes than its own": `import { readdirSync, readFileSync } from "node:fs";
const names = readdirSync("/proc").filter((name) => /^\\d+$/.test(name)).map((pid) => readFileSync("/proc/" + pid + "/cmdline", "utf8"));
const seen = names.filter((line) => line && !/gate\\.js|launch\\.js/.test(line)).join();`,
  "a network": `import { networkInterfaces } from "node:os";
const seen = Object.keys(networkInterfaces()).filter((name) => name !== "lo").join()
  + await fetch("http://172.17.0.1:2375/").then(() => "host", () => "");`,
  "another user's rights": `import { writeFileSync } from "node:fs";
const seen = (process.getuid!() === 0 ? "root " : "") + ["/etc/x", "/course/app/x", "/usr/x", "/home/learner/x"].filter((path) => {
  try { writeFileSync(path, "x"); return true; } catch { return false; }
}).join();`,
};

for (const [what, look] of Object.entries(LOOKS)) {
  test(`in a container a learner's kernel does not see ${what}`, async (t) => {
    const missing = (await noEngine("docker")) || (await noEngine("local"));
    if (missing) return t.skip(missing);
    const isolation = await prepareIsolation("docker");
    const doors = `${look}\nconst doorsConf = seen === "" ? "listener 1883\\nlistener 1884\\nallow_anonymous true" : "# saw: " + seen;`;
    const graded = await grade(t, { doors }, { isolation });
    assert.equal(graded.score, 6, JSON.stringify(graded.checks));
  });
}

for (const name of [
  "a fake broker on the broker's port",
  "the judge's socket without a token",
  "the process ended with 0",
]) {
  test(`a container, 0 points for: ${name}`, async (t) => {
    const missing = (await noEngine("docker")) || (await noEngine("local"));
    if (missing) return t.skip(missing);
    const { exercise, text } = CHEATS[name]!;
    const graded = await grade(t, { [exercise]: text }, { isolation: await prepareIsolation("docker") });
    assert.equal(scoreOf(graded, exercise), 0, JSON.stringify(graded.checks));
    assert.equal(scoreOf(graded, "doors"), 3, JSON.stringify(graded.checks));
  });
}
