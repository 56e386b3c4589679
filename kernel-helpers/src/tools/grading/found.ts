/** Which notebooks there are to grade, and whose they are. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { LabError } from "../../core/errors";

export interface Found {
  readonly file: string;
  readonly learner: string;
  /** How the learner is known, in words: "the folder", "the notebook's metadata" … */
  readonly from: string;
}

const RIGHT = "npm run grade -- submissions/ --csv marks.csv";
/** nbgrader's folder of what learners have handed in: submitted/LEARNER/ASSIGNMENT/NOTEBOOK. */
const SUBMITTED = "submitted";
/** Folders that hold copies, not submissions. */
const NOT_ENTERED = new Set(["node_modules", "__pycache__"]);

/**
 * Notebooks of files and folders. Whose one is: as `learner` says; else the folder behind "submitted" (nbgrader's
 * layout), else the first folder below the one that was named, else the notebook's own metadata, else the file's name.
 * @throws LabError BAD_ARGUMENT.
 */
export function submissionsIn(words: readonly string[], learner?: string): Found[] {
  if (!words.length) throw new LabError("BAD_ARGUMENT", "nothing to grade was named", RIGHT);
  const found = words.flatMap((word) => {
    const path = resolve(word);
    if (!existsSync(path)) throw new LabError("BAD_ARGUMENT", `there is no ${word}`, RIGHT);
    const files = statSync(path).isDirectory() ? notebooksIn(path) : [path];
    return files.map((file) => ({ file, ...whose(file, path, learner) }));
  });
  if (!found.length) throw new LabError("BAD_ARGUMENT", `there is no notebook in ${words.join(", ")}`, RIGHT);
  // A file that was named twice is one submission.
  return [...new Map(found.map((one) => [one.file, one])).values()];
}

function whose(file: string, named: string, learner: string | undefined): Omit<Found, "file"> {
  if (learner !== undefined) return { learner, from: "--learner" };
  const folders = dirname(file).split(sep);
  const submitted = folders.lastIndexOf(SUBMITTED);
  const behind = submitted < 0 ? undefined : folders[submitted + 1];
  if (behind) return { learner: behind, from: "the folder below submitted/" };
  const [first, ...more] = relative(named, file).split(sep);
  if (first && more.length) return { learner: first, from: "the folder" };
  const stated = learnerIn(file);
  if (stated) return { learner: stated, from: "the notebook's metadata" };
  return { learner: basename(file, ".ipynb"), from: "the file's name" };
}

/** metadata.mqtt.learner, or the first of Jupyter's metadata.authors. */
function learnerIn(file: string): string | undefined {
  try {
    const { metadata } = JSON.parse(readFileSync(file, "utf8").replace(/^\ufeff/, "")) as { metadata?: unknown };
    const { mqtt, authors } = Object(metadata) as { mqtt?: unknown; authors?: unknown };
    const names = [
      (Object(mqtt) as { learner?: unknown }).learner,
      (Object(Array.isArray(authors) ? authors[0] : undefined) as { name?: unknown }).name,
    ];
    return names.find((name): name is string => typeof name === "string" && name.trim() !== "")?.trim();
  } catch {
    return undefined; // no notebook: grading says so
  }
}

/** Notebooks below a folder, without those that JupyterLab keeps for itself. */
function notebooksIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => a.name.localeCompare(b.name))
    .flatMap((entry) => {
      if (entry.name.startsWith(".") || NOT_ENTERED.has(entry.name)) return [];
      const path = join(folder, entry.name);
      return entry.isDirectory() ? notebooksIn(path) : entry.name.endsWith(".ipynb") ? [path] : [];
    });
}

/** What a file holds, in a word; "" when it cannot be read. */
export function contentHash(file: string): string {
  try {
    return createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 24);
  } catch {
    return "";
  }
}

/** When it was handed in, as nbgrader notes it beside the notebook; "" where nothing says so. */
export function handedIn(file: string): string {
  try {
    return readFileSync(join(dirname(file), "timestamp.txt"), "utf8")
      .trim()
      .slice(0, 40);
  } catch {
    return "";
  }
}
