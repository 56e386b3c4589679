import assert from "node:assert/strict";
import { test } from "node:test";
import { executeNotebook, type RunnableNotebook } from "kernel-helpers/dist/kernel/execute";
import { notebooksFolder } from "kernel-helpers/dist/lab/lesson-files";
import { type Cell, isGraded } from "kernel-helpers/dist/notebook/model";
import { checkId, readLab, solvedLab, variantsOf } from "kernel-helpers/dist/tools/lab-notebook";
import { outcomesOf } from "kernel-helpers/dist/tools/outputs";
import { noEngine } from "./fixture";

/** A lesson of the course itself, in a real kernel. */
const LAB = "02-messaging";
const ready = noEngine("local");

/** What a learner's cell may have done before a check runs, by exercise; each is undone behind the check. */
const SHADOWED: Record<string, string> = {
  "listen-first":
    'const t = 5, given = {}, expect = null, body = "", judge = 1; const console = { log: () => undefined };',
  "one-filter": "const Array = { from: () => [] } as any; const setTimeout = () => 0; const kinds = 1, came = 2;",
  "one-connection":
    "const control = 3, orders = [] as string[]; const Promise = globalThis.Promise; const process = {};",
  "in-order":
    "const Math = { max: () => 99, min: () => 99 } as any; const Number = (() => -1) as any; const most = 1e9;",
  "drill-claims":
    'const String = (() => "x") as any; const JSON = { parse: () => [] } as any; const same = () => true;',
};
const PATCHED: Record<string, string> = {
  "listen-first": "globalThis.setTimeout = (() => 0) as any; globalThis.setInterval = (() => 0) as any;",
  "one-filter":
    'console.log = () => { throw new Error("mine"); }; (Array.prototype as any).last = function () { return 1; };',
  "one-connection": "globalThis.setTimeout = ((run: () => void) => (run(), 0)) as any; Date.now = () => 0;",
  "in-order":
    "Array.prototype.findIndex = () => 3; Set.prototype.delete = () => false; (Object.prototype as any).extra = 1;",
  "drill-claims":
    "const { then } = Promise.prototype; let thens = 0; Promise.prototype.then = function (...args: any) { if (++thens % 3) console.log(thens); return then.apply(this, args); } as any; JSON.parse = () => []; Array.prototype.at = () => 7;",
};
const SAVE = `const saved = [
  [globalThis, "setTimeout"], [globalThis, "setInterval"], [console, "log"], [Date, "now"], [Array.prototype, "at"],
  [Array.prototype, "findIndex"], [Set.prototype, "delete"], [Promise.prototype, "then"], [JSON, "parse"],
].map(([holder, key]: any) => [holder, key, holder[key]]);`;
const UNDO = `for (const [holder, key, was] of saved) holder[key] = was;
delete (Array.prototype as any).last;
delete (Object.prototype as any).extra;`;

/** Right answers but for two wrong ones: a mistake must neither cost points nor give any. */
const WRONG = ["one-filter", "in-order"];

/** Points by check, of a run with so much added to the learner's cells. */
async function lesson(added: Record<string, string>, patches: boolean): Promise<Record<string, string>> {
  const wrong = Object.fromEntries(
    WRONG.map((id) => [id, variantsOf(LAB, id).find((one) => one.kind === "wrong")!.source] as const),
  );
  const solved = solvedLab(LAB, wrong);
  const cell = (id: string, source: string): Cell => ({
    cell_type: "code",
    id,
    metadata: {},
    source,
    outputs: [],
    execution_count: null,
  });
  let exercise = "";
  const cells = solved.cells.flatMap((one) => {
    if (one.id === "open-lab") return [one, cell("save", SAVE)];
    if (one.id in SHADOWED) exercise = one.id;
    if (!isGraded(one)) return [one];
    const before = patches ? [cell(`before-${one.id}`, added[exercise] ?? "")] : [];
    return [...before, one, ...(patches ? [cell(`after-${one.id}`, UNDO)] : [])];
  });
  const mistaken = cells.map((one) =>
    !patches && one.id in added ? { ...one, source: `${String(one.source)}\n${added[one.id]}` } : one,
  );
  const run = await executeNotebook({ ...solved, cells: mistaken } as unknown as RunnableNotebook, {
    cwd: notebooksFolder(),
    allowErrors: true,
    kernelEnv: { MQTT_LAB_PROGRESS: "", MQTT_LAB_ENGINE: "local" },
  });
  const outcomes = outcomesOf(run.notebook as never);
  const ids = readLab(LAB).cells.filter(isGraded).map(checkId);
  return Object.fromEntries(
    ids.map((id) => {
      const one = outcomes.get(id);
      const failed = one?.findings.find((row) => !row.ok);
      return [id, one ? `${one.score}: ${failed?.what ?? ""}` : "no verdict"];
    }),
  );
}

test("names of a learner's own, and what they patched, change no check's outcome in a lesson", async (t) => {
  const missing = await ready;
  if (missing) return t.skip(missing);
  const plain = await lesson({}, false);
  const points = Object.values(plain).map((one) => Number.parseInt(one, 10));
  assert.ok(
    points.filter((one) => one > 0).length === 3 && points.filter((one) => one === 0).length === 2,
    `${points}`,
  );
  assert.deepEqual(await lesson(SHADOWED, false), plain, "shadowed names");
  assert.deepEqual(await lesson(PATCHED, true), plain, "patched globals and prototypes");
});
