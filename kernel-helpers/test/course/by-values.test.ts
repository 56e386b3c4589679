import assert from "node:assert/strict";
import { test } from "node:test";
import { type CellResult, executeNotebook, type RunnableNotebook } from "kernel-helpers/dist/kernel/execute";
import { gradeOne } from "kernel-helpers/dist/tools/grading/grade-one";
import { solvedLab, variantsOf } from "kernel-helpers/dist/tools/lab-notebook";
import { outcomesOf } from "kernel-helpers/dist/tools/outputs";
import { fixture, LAB, noEngine, submission, useFixture } from "./fixture";

useFixture();
const ready = noEngine("local");
const solution = (id: string): string => variantsOf(LAB, id).find((one) => one.kind === "solution")!.source;

/** A lesson with these texts in the learner's cells: the points by check, and how the cells ended. */
async function lesson(texts: Record<string, string>) {
  const run = await executeNotebook(solvedLab(LAB, texts) as unknown as RunnableNotebook, {
    cwd: fixture,
    allowErrors: true,
    kernelEnv: { MQTT_LAB_NOTEBOOKS: fixture, MQTT_LAB_PROGRESS: "", MQTT_LAB_ENGINE: "local" },
  });
  const outcomes = outcomesOf(run.notebook as never);
  const error = (id: string): CellResult["error"] => run.cells.find((one) => one.id === id)?.error;
  return { score: (id: string) => outcomes.get(`check-${id}`)?.score, outcomes, error };
}

test("a learner's own lab, in a lesson and graded: each check has its card", async (t) => {
  const missing = await ready;
  if (missing) return t.skip(missing);
  const texts = { doors: `${solution("doors")}\nconst lab = 3;` };
  const { score, error } = await lesson(texts);
  // The exercise after it needs the lab for its answer: it has none, and its check a card that says so.
  assert.deepEqual([score("announce"), score("doors"), score("once")], [2, 3, 0]);
  assert.deepEqual([error("check-doors"), error("check-once")], [undefined, undefined]);
  assert.match(error("close-lab")?.evalue ?? "", /close/, "what is no check still is the reader's to mend");
  const graded = await gradeOne({ file: submission(t, texts), learner: "ada", seed: "s", engine: "local" });
  assert.equal(graded.score, 5, JSON.stringify(graded.checks));
});

test("answers of other types are judged by their values", async (t) => {
  const missing = await ready;
  if (missing) return t.skip(missing);
  const { score, outcomes, error } = await lesson({
    announce: "const announce = 7;",
    doors: "const doorsConf: unknown = `listener 1883\\nlistener 1884\\nallow_anonymous true`;",
  });
  assert.equal(error("check-announce"), undefined);
  assert.equal(outcomes.get("check-announce")?.status, "failed");
  assert.deepEqual([score("announce"), score("doors"), score("once")], [0, 3, 1]);
});

test("a name that no cell has declared is said in words, and where it belongs", async (t) => {
  const missing = await ready;
  if (missing) return t.skip(missing);
  const { score, error } = await lesson({ doors: "const doorConf = `listener 1883`;" });
  const said = error("check-doors");
  assert.equal(said?.ename, "BAD_ARGUMENT");
  assert.match(
    said?.evalue ?? "",
    /the exercise "doors" is given doorsConf, and no cell that ran to its end has declared it/,
  );
  assert.match(said?.evalue ?? "", /Try: declare doorsConf in the cell of the exercise "doors"/);
  assert.deepEqual([score("announce"), score("once")], [2, 1]);
});
