import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cachePath, courseRoot } from "kernel-helpers/dist/core/paths";
import { notebooksFolder } from "kernel-helpers/dist/lab/lesson-files";
import { multiline } from "./notebook";
import { type ListedLab, otherRunsIn, pristineFile, readText, type Source } from "./sources";

const executedFile = (slug: string): string => cachePath("executed", `${slug}.ipynb`);

/**
 * The labs that are written, each with the outputs that its cells left. Labs that are new, or whose code has changed
 * since, are executed first; with `execute: false` such cells are shown without outputs, and it is said.
 */
export async function executedLabs(
  labs: readonly ListedLab[],
  say: (line: string) => void,
  options: { execute: boolean } = { execute: true },
): Promise<Source[]> {
  const written = labs.filter((lab) => existsSync(pristineFile(lab.slug)));
  const stale = written.filter((lab) => changedCells(lab.slug, executedFile(lab.slug)).length);
  if (stale.length && options.execute) {
    const names = stale.map((lab) => lab.slug);
    say(`Not executed yet, or changed since: ${names.join(", ")}. Executing (npm run course):`);
    await runCourse(names);
  } else {
    for (const { slug } of stale) say(`${slug}: cells without outputs, until npm run course -- ${slug}`);
  }
  return written
    .filter((lab) => existsSync(executedFile(lab.slug)))
    .map(({ slug }) => {
      const file = executedFile(slug);
      return { name: slug, file, text: () => mended(slug, readText(file)) };
    });
}

/** Runs on other releases or engines, as far as they ran the code that the labs have now. */
export function otherRuns(say: (line: string) => void): Source[] {
  return otherRunsIn(cachePath("executed")).filter(({ name, file }) => {
    if (!existsSync(pristineFile(name)) || !changedCells(name, file).length) return true;
    say(`${file}: of other code than the lab has now; the ledger goes without it`);
    return false;
  });
}

/** Which code cells an executed notebook does not have as the solved lab has them now; all where it did not run well. */
function changedCells(slug: string, file: string): string[] {
  const wanted = Object.entries(codeOf(solved(slug)));
  try {
    const executed = JSON.parse(readText(file)) as FileNotebook;
    // The course tool also keeps the notebook of a run that failed, to look at; it says so.
    const there = executed.metadata?.mqtt?.run?.ok === true ? codeOf(executed) : {};
    return wanted.filter(([id, source]) => there[id] !== source).map(([id]) => id);
  } catch {
    // Not there, or broken.
    return wanted.map(([id]) => id);
  }
}

/** The lab's text as it is now, with the outputs of the cells that ran as they are: prose needs no new run. */
function mended(slug: string, executedText: string): string {
  const executed = JSON.parse(executedText) as FileNotebook;
  const ran = new Map(executed.cells.map((cell) => [cell.id, cell]));
  const cells = solved(slug).cells.map((cell) => {
    const before = ran.get(cell.id);
    if (cell.cell_type !== "code" || !before || sourceOf(before) !== sourceOf(cell)) return cell;
    return { ...cell, outputs: before.outputs, execution_count: before.execution_count };
  });
  return JSON.stringify({ ...executed, cells });
}

interface FileCell {
  readonly id: string;
  readonly cell_type: string;
  readonly source: unknown;
  readonly [more: string]: unknown;
}

interface FileNotebook {
  readonly metadata?: { readonly mqtt?: { readonly run?: { readonly ok?: unknown } } };
  readonly cells: readonly FileCell[];
}

const sourceOf = (cell: FileCell): string => (multiline(cell.source) ?? "").replace(/\n+$/, "");

const codeOf = ({ cells }: FileNotebook): Record<string, string> =>
  Object.fromEntries(cells.filter((cell) => cell.cell_type === "code").map((cell) => [cell.id, sourceOf(cell)]));

/** The pristine lab with the right answers in their cells. */
function solved(slug: string): FileNotebook {
  const pristine = JSON.parse(readText(pristineFile(slug))) as FileNotebook;
  const answers = solutionsOf(slug);
  const cells = pristine.cells.map((cell) =>
    Object.hasOwn(answers, cell.id) ? { ...cell, source: answers[cell.id] } : cell,
  );
  return { ...pristine, cells };
}

function solutionsOf(slug: string): Record<string, string> {
  const beside = join(notebooksFolder(), "solutions", slug);
  if (!existsSync(beside)) return {};
  const ids = readdirSync(beside).filter((id) => existsSync(join(beside, id, "solution.ts")));
  return Object.fromEntries(ids.map((id) => [id, readFileSync(join(beside, id, "solution.ts"), "utf8")]));
}

/** As a person would call it, so that set-up brings what brokers need. */
function runCourse(slugs: readonly string[]): Promise<void> {
  const args = [join(courseRoot, "kernel-helpers", "setup.mjs"), "course", ...slugs];
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, args, { cwd: courseRoot, stdio: "inherit" });
    const forward = (signal: NodeJS.Signals): unknown => child.kill(signal);
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
    for (const signal of signals) process.on(signal, forward);
    const end = (): void => {
      for (const signal of signals) process.off(signal, forward);
    };
    child.once("error", (error) => {
      end();
      failed(error);
    });
    child.once("exit", (code, signal) => {
      end();
      if (code === 0) done();
      else failed(new ExecutionError(signal ? `it was ended by ${signal}` : `exit code ${code}`));
    });
  });
}

/** The course could not be executed, or a lab in it failed: a page must not show what is not so. */
export class ExecutionError extends Error {
  override readonly name = "ExecutionError";
}
