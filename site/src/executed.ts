import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cachePath, courseRoot } from "kernel-helpers/dist/core/paths";
import { notebooksFolder } from "kernel-helpers/dist/lab/lesson-files";
import { cellSources, type ListedLab, pristineFile, readText, type Source } from "./sources";

const executedFile = (slug: string): string => cachePath("executed", `${slug}.ipynb`);

/** The labs that are written, by what their run left; those that are new or were changed since are executed first. */
export async function executedLabs(labs: readonly ListedLab[], say: (line: string) => void): Promise<Source[]> {
  const written = labs.filter((lab) => existsSync(pristineFile(lab.slug)));
  const stale = written.filter((lab) => !isCurrent(lab.slug));
  if (stale.length) {
    const names = stale.map((lab) => lab.slug);
    say(`Not executed yet, or changed since: ${names.join(", ")}. Executing (npm run course):`);
    await runCourse(names);
  }
  return written
    .filter((lab) => existsSync(executedFile(lab.slug)))
    .map((lab) => ({ name: lab.slug, file: executedFile(lab.slug) }));
}

/** Whether the executed notebook ran well and has the cells that the solved notebook would have now. */
function isCurrent(slug: string): boolean {
  try {
    const text = readText(executedFile(slug));
    const executed = cellSources(text);
    if (!ranWell(text)) return false;
    const wanted = { ...cellSources(readText(pristineFile(slug))), ...solutionsOf(slug) };
    const ids = Object.keys(wanted);
    return (
      ids.length === Object.keys(executed).length &&
      ids.every((id) => executed[id]?.replace(/\n+$/, "") === wanted[id]?.replace(/\n+$/, ""))
    );
  } catch {
    // Not there, or broken: executed anew.
    return false;
  }
}

/** The course tool also keeps the notebook of a run that failed, to look at; it says so. */
function ranWell(text: string): boolean {
  const notebook = JSON.parse(text) as { metadata?: { mqtt?: { run?: { ok?: unknown } } } };
  return notebook.metadata?.mqtt?.run?.ok === true;
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
