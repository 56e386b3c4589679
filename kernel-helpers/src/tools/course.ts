/** `npm run course`: the solved notebooks, executed headless, each in a fresh kernel. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { EngineKind } from "../brokers/engine";
import { selectEngine } from "../brokers/select";
import { LabError } from "../core/errors";
import { cachePath } from "../core/paths";
import { executeNotebook, type RunnableNotebook } from "../kernel/execute";
import { notebooksFolder } from "../lab/lesson-files";
import { writeNotebook } from "../notebook/format";
import { isCode, type Notebook } from "../notebook/model";
import { printError, type Tool } from "./cli";
import { type LabEntry, pickLabs } from "./lab-list";
import { solvedLab } from "./lab-notebook";
import { faultsOf } from "./outputs";
import { pool } from "./pool";
import { atLeastOne, exitCodeFor } from "./words";

export interface LabRun {
  readonly lab: string;
  readonly ok: boolean;
  readonly mosquitto: string;
  readonly seconds: number;
  /** Cells that ran. */
  readonly cells: number;
  readonly error: string | null;
}

export interface CourseOptions {
  readonly engine: EngineKind;
  /** What the broker states: "2.1.2". */
  readonly version: string;
  /** Where the executed notebooks go. */
  readonly out: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly onCell?: (lab: string, done: number, of: number) => void;
}

export const main: Tool = async ({ words, options }) => {
  const say = options.json ? console.error : console.log;
  try {
    const labs = pickLabs(words, "npm run course");
    const jobs = atLeastOne(options.jobs, 2, "npm run course -- --jobs 2");
    const release = typeof options.mosquitto === "string" ? options.mosquitto : undefined;
    const { probe } = await selectEngine({ wanted: options.engine as EngineKind | undefined });
    const version = probe.mosquitto.find((one) => one.startsWith(release ?? "")) ?? probe.mosquitto[0] ?? "unknown";
    // A run on another release stands beside the main one: the site's ledger shows both.
    const beside = release !== undefined && version !== probe.mosquitto[0] ? [`mosquitto-${version}`] : [];
    const out = resolve(typeof options.out === "string" ? options.out : cachePath("executed", ...beside));
    const env = { MQTT_LAB_ENGINE: probe.kind, ...(release ? { MQTT_LAB_MOSQUITTO: release } : {}) };
    say(`${labs.length} lab${labs.length === 1 ? "" : "s"} on ${probe.summary}`);
    const runs = await pool(labs, jobs, async (lab) => {
      const run = await runLab(lab, { engine: probe.kind, version, out, env, onCell: terminalProgress() });
      say(line(run));
      return run;
    });
    if (options.json) console.log(JSON.stringify({ engine: probe.kind, labs: runs }, null, 2));
    else say(`Executed notebooks: ${out}`);
    return runs.every((run) => run.ok) ? 0 : 1;
  } catch (error) {
    printError(error);
    return exitCodeFor(error);
  }
};

/** Executes one solved notebook. Never throws for what the notebook does: that is in the answer. */
export async function runLab(lab: Pick<LabEntry, "slug">, options: CourseOptions): Promise<LabRun> {
  const started = performance.now();
  let cells = 0;
  const answer = (error: string | null): LabRun => ({
    lab: lab.slug,
    ok: error === null,
    mosquitto: options.version,
    seconds: Math.round((performance.now() - started) / 100) / 10,
    cells,
    error,
  });
  try {
    const solved = solvedLab(lab.slug);
    const of = solved.cells.filter(isCode).length;
    const run = await executeNotebook(runnable(solved), {
      cwd: notebooksFolder(),
      kernelEnv: { MQTT_LAB_PROGRESS: "", ...options.env },
      onCell: () => options.onCell?.(lab.slug, ++cells, of),
    });
    cells = run.cells.length;
    const executed = run.notebook as unknown as Notebook;
    const failed = run.cells.filter((cell) => cell.status !== "ok" && !cell.allowed);
    const late = run.cells.flatMap((cell) => cell.lateErrors.map((error) => ({ cell, error })));
    const faults = [
      ...failed.map(
        (cell) =>
          `cell ${cell.id}: ${cell.timedOut ? "ran out of time" : `${cell.error?.ename}: ${cell.error?.evalue}`}`,
      ),
      ...late.map(({ cell, error }) => `cell ${cell.id}: ${error.ename}: ${error.evalue} (nothing caught it)`),
      // What a run that broke off didn't come to is no fault of its own.
      ...(failed.length ? [] : faultsOf(executed, options.engine)),
    ];
    mkdirSync(options.out, { recursive: true });
    const kept = withRun(executed, options, faults.length === 0);
    writeFileSync(join(options.out, `${lab.slug}.ipynb`), writeNotebook(kept));
    return answer(faults.length ? faults.join("\n") : null);
  } catch (error) {
    return answer(error instanceof LabError ? `${error}` : `${(error as Error).stack ?? error}`);
  }
}

/** Says on what and when it ran, and whether well: the site shows that above the outputs, and shows no run that failed. */
function withRun(notebook: Notebook, { engine, version }: CourseOptions, ok: boolean): Notebook {
  const run = { ok, engine, mosquitto: version, date: `${new Date().toISOString().slice(0, 19)}Z` };
  return { ...notebook, metadata: { ...notebook.metadata, mqtt: { ...notebook.metadata.mqtt, run } } };
}

/** The run makes a copy, and writes to that only. */
const runnable = (notebook: Notebook): RunnableNotebook => notebook as unknown as RunnableNotebook;

function line(run: LabRun): string {
  const state = run.ok ? "ok" : "FAILED";
  const why = run.error ? `\n${run.error.replace(/^/gm, "  ")}` : "";
  return `${run.lab}: ${state}, ${run.cells} cells in ${run.seconds} s, mosquitto ${run.mosquitto}${why}`;
}

/** On a terminal a line that is written over; nothing elsewhere. */
function terminalProgress(): CourseOptions["onCell"] {
  if (!process.stderr.isTTY) return undefined;
  return (lab, done, of) =>
    process.stderr.write(`\r\x1b[K${lab}: cell ${done} of ${of}${done === of ? "\r\x1b[K" : ""}`);
}
