import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import { selectEngine } from "kernel-helpers/dist/brokers/select";
import { courseRoot } from "kernel-helpers/dist/core/paths";
import { writeNotebook } from "kernel-helpers/dist/notebook/format";
import { type Notebook, sourceOf } from "kernel-helpers/dist/notebook/model";
import { solvedLab } from "kernel-helpers/dist/tools/lab-notebook";

/** A course of one small lab with three exercises. */
export const fixture = resolve(courseRoot, "kernel-helpers", "test", "fixtures", "course");
export const LAB = "90-mini";

/** Notebooks, solutions and progress of these tests; nothing of the reader's own. */
export function useFixture(folder = fixture): void {
  process.env.MQTT_LAB_NOTEBOOKS = folder;
  process.env.MQTT_LAB_PROGRESS = "";
}

/** Why no broker can run here, or false. */
export async function noEngine(kind: "local" | "docker" | "embedded"): Promise<string | false> {
  try {
    await selectEngine({ wanted: kind });
    return false;
  } catch (error) {
    return `no ${kind} engine: ${(error as Error).message.split("\n")[0]}`;
  }
}

/** A folder of this test's own, below the course so that cells can import the helpers. */
export function scratch(t: TestContext): string {
  mkdirSync(join(courseRoot, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(courseRoot, ".cache", "test-course-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A copy of the fixture to be spoilt. */
export function copyOfFixture(t: TestContext): string {
  const folder = join(scratch(t), "course");
  cpSync(fixture, folder, { recursive: true });
  return folder;
}

/** The solved notebook with texts of a learner's in it, then changed as one likes. */
export function submission(
  t: TestContext,
  texts: Record<string, string>,
  change: (notebook: Notebook) => Notebook = (same) => same,
): string {
  const file = join(scratch(t), "submission.ipynb");
  writeFileSync(file, writeNotebook(change(solvedLab(LAB, texts))));
  return file;
}

/** What a grading may not leave behind: judge's sockets, kernels' folders and brokers of its own. */
export function leftovers(): string[] {
  const sockets = readdirSync(tmpdir()).filter((name) => name.startsWith("mqtt-judge-"));
  const folders = readdirSync(join(courseRoot, ".cache", "grading"), { withFileTypes: true });
  const children = childrenOf(process.pid).filter((line) => /mosquitto|launch\.js|sleep 987/.test(line));
  return [...sockets, ...folders.filter((one) => one.name.startsWith("kernel-")).map((one) => one.name), ...children];
}

function childrenOf(pid: number): string[] {
  const lines = execFileSync("ps", ["-eo", "pid,ppid,args"], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim());
  const own = lines.filter((line) => line.split(/\s+/)[1] === String(pid));
  return [...own, ...own.flatMap((line) => childrenOf(Number(line.split(/\s+/)[0])))];
}

export { sourceOf };
