/** The learner's copies in notebooks/mine: made when missing, never overwritten, carried over to newer editions. */
import { createHash } from "node:crypto";
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { courseRoot } from "../core/paths";
import { carryOver, type Notebook } from "./carry-over";

/** What happened to one notebook's copy. */
export interface CopyReport {
  /** File name in notebooks/mine. */
  readonly name: string;
  readonly done: "made" | "updated" | "unchanged" | "set aside" | "failed";
  /** For people; "" when there is nothing to say. */
  readonly note: string;
}

/**
 * Brings the copies of all notebooks up to date. A learner's file is only ever replaced after a copy of it lies in
 * .backup; one that can't be read as a notebook is left alone and a fresh copy made under another name.
 *
 * `.base` in the copies' folder holds the editions that the copies were made from.
 */
export function bringCopies(folder = join(courseRoot, "notebooks"), mine = join(folder, "mine")): CopyReport[] {
  mkdirSync(join(mine, ".base"), { recursive: true });
  const names = readdirSync(folder).filter((name) => name.endsWith(".ipynb"));
  return names.sort().map((name) => {
    try {
      return bringCopy(join(folder, name), mine, name);
    } catch (error) {
      return { name, done: "failed", note: `${name}: ${(error as Error).message}` };
    }
  });
}

function bringCopy(pristine: string, mine: string, original: string): CopyReport {
  const course = readFileSync(pristine);
  const { name, broken } = copyName(mine, original);
  const copy = join(mine, name);
  const base = join(mine, ".base", name);
  const aside = broken.length ? `${broken.join(", ")} can't be read as a notebook and was left as it is; ` : "";
  const learners = readIfThere(copy);
  if (!learners) {
    writeNew(copy, course);
    writeWhole(base, course);
    return broken.length
      ? { name, done: "set aside", note: `${aside}${name} is a fresh copy` }
      : { name, done: "made", note: "" };
  }
  const was = readIfThere(base);
  if (was && hash(was) === hash(course)) return { name, done: "unchanged", note: "" };
  return update({ copy, base, course, learners, was, name, mine });
}

interface Update {
  copy: string;
  base: string;
  course: Buffer;
  learners: Buffer;
  was: Buffer | undefined;
  name: string;
  mine: string;
}

function update({ copy, base, course, learners, was, name, mine }: Update): CopyReport {
  const edition = parse(course);
  if (!edition) throw new Error("the course's own notebook can't be read");
  const merged = carryOver(edition, parse(learners)!, was && parse(was));
  const text = `${JSON.stringify(merged.notebook, null, 1)}\n`;
  if (hash(Buffer.from(text)) === hash(learners)) {
    writeWhole(base, course);
    return { name, done: "unchanged", note: "" };
  }
  const backup = keepOld(mine, basename(name, ".ipynb"), learners);
  if (hash(readFileSync(copy)) !== hash(learners)) {
    rmSync(backup, { force: true });
    return { name, done: "unchanged", note: `${name} is being edited; the newer edition comes with the next start` };
  }
  writeWhole(copy, text);
  writeWhole(base, course);
  const counts = [
    [merged.kept.length, "with your text kept"],
    [merged.beside.length, "changed by both, yours stands below the course's"],
    [merged.own.length, "of your own"],
  ] as const;
  const said = counts.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`);
  const cells = said.length ? ` (cells: ${said.join("; ")})` : "";
  return {
    name,
    done: "updated",
    note: `${name}: newer edition${cells}; your version before is .backup/${basename(backup)}`,
  };
}

/** The first of NAME, NAME-fresh, NAME-fresh-2 … that is a notebook or does not exist; and those before it that are none. */
function copyName(mine: string, original: string): { name: string; broken: string[] } {
  const broken: string[] = [];
  const stem = basename(original, ".ipynb");
  for (let n = 0; ; n++) {
    const name = n === 0 ? original : `${stem}-fresh${n === 1 ? "" : `-${n}`}.ipynb`;
    const content = readIfThere(join(mine, name));
    if (!content || parse(content)) return { name, broken };
    broken.push(name);
  }
}

/** undefined when it is not a notebook of the format that can be merged. */
function parse(content: Buffer): Notebook | undefined {
  try {
    const notebook = JSON.parse(content.toString("utf8")) as Notebook;
    const cellsAreCells =
      Array.isArray(notebook.cells) &&
      notebook.cells.every(
        (cell) =>
          typeof cell?.cell_type === "string" &&
          (typeof cell.source === "string" || Array.isArray(cell.source)) &&
          typeof (cell.metadata ?? {}) === "object",
      );
    if (notebook.nbformat !== 4 || !cellsAreCells) return undefined;
    for (const cell of notebook.cells) cell.metadata ??= {};
    return notebook;
  } catch {
    return undefined; // not JSON: what the caller wants to know
  }
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Keeps a learner's text in a dated copy of its own, and returns the copy's path. */
export function keepOld(mine: string, slug: string, content: Buffer): string {
  const folder = join(mine, ".backup");
  mkdirSync(folder, { recursive: true });
  for (let n = 1; ; n++) {
    // Two in one millisecond have the same date.
    const copy = join(folder, `${slug}-${stamp()}${n > 1 ? `-${n}` : ""}.ipynb`);
    if (writeNew(copy, content)) return copy;
  }
}

/** Never over an existing file: another start may have made it in between. @returns whether it was written. */
function writeNew(file: string, content: Buffer): boolean {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, content);
  try {
    link(temporary, file, content);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function link(temporary: string, file: string, content: Buffer): void {
  try {
    linkSync(temporary, file);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["EPERM", "ENOTSUP", "ENOSYS"].includes(code)) throw error;
    writeFileSync(file, content, { flag: "wx" }); // a file system without hard links
  }
}

/** Whole or not at all, with the mode of what it replaces. */
export function writeWhole(file: string, content: Buffer | string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  const mode = statSync(file, { throwIfNoEntry: false })?.mode;
  writeFileSync(temporary, content, mode === undefined ? {} : { mode: mode & 0o777 });
  renameSync(temporary, file);
}

const hash = (content: Buffer): string => createHash("sha256").update(content).digest("hex");

/** Local time, sortable, fine enough for two in a second. */
function stamp(now = new Date()): string {
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString();
  return local.replace("T", "-").replaceAll(":", "").replace("Z", "").replace(".", "");
}
