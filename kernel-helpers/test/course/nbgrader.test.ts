import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { writeNotebook } from "kernel-helpers/dist/notebook/format";
import { graft } from "kernel-helpers/dist/notebook/graft";
import { type Notebook, parseNotebook, sourceOf } from "kernel-helpers/dist/notebook/model";
import { gradeOne } from "kernel-helpers/dist/tools/grading/grade-one";
import { readLab, solvedLab } from "kernel-helpers/dist/tools/lab-notebook";
import { nbgrader, nbgraderBin, scoresOf } from "kernel-helpers/dist/tools/nbgrader";
import { writeNbgraderSource } from "kernel-helpers/dist/tools/nbgrader-source";
import { LAB, noEngine, scratch, useFixture } from "./fixture";

useFixture();

const IDLE = "const announce = async (url: string, topic: string, value: string): Promise<void> => {};";

/** Answers of six learners, by exercise; what is not there stays as it was handed out. */
const LEARNERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  perfect: {},
  partly: { announce: IDLE, doors: "const doorsConf = `\nlistener 1883\nallow_anonymous true\n`;" },
  wrong: { announce: IDLE, doors: "const doorsConf = `\nlistener 1883\n`;", once: "tap.clear();" },
  broken: { announce: "const announce = (((", doors: 'throw new Error("not today");' },
  hanging: { announce: "for (;;) {}" },
};

test("nbgrader gives back exactly our stubs, and its marks are those of npm run grade", async (t) => {
  const missing = await noEngine("local");
  if (missing) return t.skip(missing);
  const found = await nbgraderBin();
  if ("lacking" in found) return t.skip(found.lacking);
  const folder = join(scratch(t), "course");
  assert.deepEqual(writeNbgraderSource(folder), [LAB]);
  appendFileSync(join(folder, "nbgrader_config.py"), "\nc.ExecutePreprocessor.timeout = 25\n");
  const call = (...words: string[]) => nbgrader(found.bin, folder, words, { MQTT_LAB_ENGINE: "local" });

  await call("generate_assignment", LAB, "--create");
  const released = readNotebook(join(folder, "release", LAB, `${LAB}.ipynb`));
  const pristine = readLab(LAB);
  assert.deepEqual(released.cells.map(sourceOf), pristine.cells.map(sourceOf));
  const source = readNotebook(join(folder, "source", LAB, `${LAB}.ipynb`));
  for (const cell of released.cells.filter((one) => one.metadata.nbgrader?.grade)) {
    const ours = source.cells.find((one) => one.id === cell.id)?.metadata.nbgrader?.checksum;
    assert.equal(ours, cell.metadata.nbgrader?.checksum, `the checksum of ${cell.id}`);
  }

  const submissions: Record<string, Notebook> = { empty: released };
  for (const [learner, texts] of Object.entries(LEARNERS)) {
    const solved = solvedLab(LAB, texts);
    const answers = solved.cells
      .filter((cell) => cell.metadata.nbgrader?.solution)
      .map((cell) => [cell.id, sourceOf(cell)]);
    submissions[learner] = graft(released, Object.fromEntries(answers)).notebook;
  }
  for (const [learner, notebook] of Object.entries(submissions)) {
    const into = join(folder, "submitted", learner, LAB);
    mkdirSync(into, { recursive: true });
    writeFileSync(join(into, `${LAB}.ipynb`), writeNotebook(notebook));
  }

  await call("autograde", LAB, "--create");
  await call("generate_feedback", LAB);
  await call("export");
  const theirs = scoresOf(readFileSync(join(folder, "grades.csv"), "utf8"));

  for (const learner of Object.keys(submissions)) {
    const file = join(folder, "submitted", learner, LAB, `${LAB}.ipynb`);
    const limits = { cell: 25_000, check: 25_000 };
    const ours = await gradeOne({ file, learner, seed: "test", engine: "local", limits });
    assert.equal(theirs.get(learner), ours.score, `${learner}: ${JSON.stringify(ours.checks)}`);
    const feedback = join(folder, "feedback", learner, LAB);
    assert.ok(
      existsSync(feedback) && readdirSync(feedback).some((name) => name.endsWith(".html")),
      `feedback of ${learner}`,
    );
  }
  assert.deepEqual([theirs.get("perfect"), theirs.get("partly"), theirs.get("empty")], [6, 2, 0]);
});

const readNotebook = (file: string): Notebook => parseNotebook(readFileSync(file, "utf8"), file);
