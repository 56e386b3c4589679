import { isUtf8 } from "node:buffer";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { hintSteps, notebooksFolder } from "kernel-helpers/dist/lab/lesson-files";
import type { Material, Solutions } from "./lesson";
import { limits } from "./limits";
import { isRecord, multiline } from "./notebook";

/** An executed notebook's file. */
export interface Source {
  /** The file's name without its ending: also its page's name. */
  readonly name: string;
  readonly file: string;
  /** Its notebook where that is not the file's own text. May throw as `readText`. */
  readonly text?: () => string;
}

/** A lab as course.json lists it. */
export interface ListedLab {
  readonly id: number;
  readonly slug: string;
  readonly minutes: number | undefined;
}

/** A lab that is still to be written. */
export interface PlannedLab extends ListedLab {
  readonly title: string;
  /** The numbers of the labs that it builds on; a written lab's card says them. */
  readonly after: readonly number[];
  /** Specialist topics that it takes up. */
  readonly also: readonly string[];
}

/** What curriculum.json says of the whole course. */
export interface Curriculum {
  readonly planned: readonly PlannedLab[];
  /** Topic id -> what it is called. */
  readonly topics: Readonly<Record<string, string>>;
}

/** An entry of the site's list of changes. */
export interface Change {
  /** "2026-01-31" */
  readonly date: string;
  readonly what: string;
  /** The slug of the lab that it is about. */
  readonly lab: string | undefined;
}

/** Runs on other releases or engines: folders beside the notebooks, with notebooks of the same names. */
export function otherRunsIn(folder: string): Source[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => notebooksIn(join(folder, entry.name)));
}

/** Every notebook of a folder, in name order. */
export function notebooksIn(folder: string): Source[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.name.endsWith(".ipynb") && !entry.name.startsWith(".") && !entry.isDirectory())
    .map((entry) => ({ name: basename(entry.name, ".ipynb"), file: join(folder, entry.name) }))
    .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}

/** A file's text. @throws Error when it is larger than any notebook, or no UTF-8. */
export function readText(file: string): string {
  const { size } = statSync(file);
  if (size > limits.file) throw new Error(`it has ${size} bytes; ${limits.file} is the most that is read`);
  const bytes = readFileSync(file);
  // Several times faster than a decoder that checks while it decodes.
  if (!isUtf8(bytes)) throw new Error("it is no UTF-8 text");
  return bytes.toString("utf8").replace(/^\ufeff/, "");
}

/** The labs of course.json, [] where there is none. @throws Error when it is there and cannot be read. */
export const listedLabs = (folder = notebooksFolder()): ListedLab[] =>
  records(readJson(join(folder, "course.json")).labs).flatMap(readLab);

/** The plan beside course.json; empty where there is none. @throws Error when it is there and cannot be read. */
export function curriculum(folder = notebooksFolder()): Curriculum {
  const { planned, topics } = readJson(join(folder, "curriculum.json"));
  return {
    planned: records(planned).flatMap((lab) =>
      readLab(lab).map((one) => ({
        ...one,
        title: String(lab.title ?? one.slug),
        after: texts(lab.after).map(Number),
        also: texts(lab.also),
      })),
    ),
    topics: Object.fromEntries(Object.entries(isRecord(topics) ? topics : {}).map(([id, name]) => [id, String(name)])),
  };
}

/** The site's changes.json, newest first. @throws Error when it cannot be read. */
export function changes(file: string): Change[] {
  const list = records(readJson(file).changes).map(({ date, what, lab }) => ({
    date: String(date),
    what: String(what),
    lab: typeof lab === "string" ? lab : undefined,
  }));
  return list.sort((a, b) => (a.date < b.date ? 1 : -1));
}

function readJson(file: string): Record<string, unknown> {
  if (!existsSync(file)) return {};
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    return isRecord(value) ? value : {};
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`);
  }
}

const records = (list: unknown): Record<string, unknown>[] => (Array.isArray(list) ? list.filter(isRecord) : []);
const texts = (list: unknown): string[] => (Array.isArray(list) ? list.map(String) : []);

function readLab(lab: Record<string, unknown>): ListedLab[] {
  if (typeof lab.slug !== "string") return [];
  const minutes = typeof lab.minutes === "number" ? lab.minutes : undefined;
  return [{ id: Number(lab.id) || 0, slug: lab.slug, minutes }];
}

const SLUG = /^[a-z0-9][a-z0-9-]{0,60}$/;

export const pristineFile = (slug: string, folder = notebooksFolder()): string => join(folder, `${slug}.ipynb`);

/** What lies beside a lab of this slug: stubs from the pristine notebook, hints and other answers. */
export function materialOf(slug: string | undefined, folder = notebooksFolder()): Material {
  if (slug === undefined || !SLUG.test(slug) || !existsSync(pristineFile(slug, folder))) {
    return { stubs: undefined, hints: {}, others: {} };
  }
  const beside = join(folder, "solutions", slug);
  const ids = existsSync(beside) ? readdirSync(beside).sort() : [];
  const read = (id: string, file: string): string | undefined =>
    existsSync(join(beside, id, file)) ? readFileSync(join(beside, id, file), "utf8") : undefined;
  const collect = <T>(make: (id: string) => T | undefined): Record<string, T> =>
    Object.fromEntries(ids.map((id) => [id, make(id)]).filter((entry): entry is [string, T] => entry[1] !== undefined));
  return {
    stubs: cellSources(readFileSync(pristineFile(slug, folder), "utf8")),
    hints: collect((id) => {
      const text = read(id, "hints.md");
      return text === undefined ? undefined : hintSteps(text);
    }),
    others: collect((id) => read(id, "other.ts")?.replace(/^\/\/ expect:.*\n/, "")),
  };
}

/** Cell id to source. */
export function cellSources(notebook: string): Record<string, string> {
  const cells = (JSON.parse(notebook) as { cells?: unknown }).cells;
  return Object.fromEntries(
    (Array.isArray(cells) ? cells : []).filter(isRecord).map((cell) => [String(cell.id), multiline(cell.source) ?? ""]),
  );
}

/** The notebook to take away: the pristine one where there is one, for its exercises are the learner's to solve. */
export function downloadOf(executed: string, slug: string, solutions: Solutions): string {
  if (SLUG.test(slug) && existsSync(pristineFile(slug))) return readFileSync(pristineFile(slug), "utf8");
  return solutions === "hidden" ? withoutSolutions(executed) : executed;
}

/** Solution cells empty, what they and their checks showed left out. */
function withoutSolutions(text: string): string {
  const notebook = JSON.parse(text) as { cells: unknown[] };
  const cells = notebook.cells.map((cell) => {
    const graded =
      isRecord(cell) && isRecord(cell.metadata) && isRecord(cell.metadata.nbgrader) ? cell.metadata.nbgrader : {};
    if (!isRecord(cell) || (graded.solution !== true && graded.grade !== true)) return cell;
    return { ...cell, source: graded.solution === true ? "" : cell.source, outputs: [], execution_count: null };
  });
  return `${JSON.stringify({ ...notebook, cells }, null, 1)}\n`;
}
