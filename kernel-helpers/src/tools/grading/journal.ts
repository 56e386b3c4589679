/** Results as they come: one line each, so that an interruption loses none that is done. */
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Outcome } from "../../checks/outcome";
import { cachePath } from "../../core/paths";
import type { Reported } from "./result";

const JOURNAL = /^journal-[0-9a-f]{12}\.jsonl$/;
/** Milliseconds after which nobody comes back to a grading. */
const KEPT = 90 * 24 * 3_600_000;

/** Of the last grading of these files and folders: two at once keep one each. Only this user reads it: it holds the seed. */
export function journalFile(words: readonly string[]): string {
  const hash = createHash("sha256").update(words.map((word) => resolve(word)).join("\0"));
  return cachePath("grading", `journal-${hash.digest("hex").slice(0, 12)}.jsonl`);
}

interface Entry {
  /** The submission's content, learner, lab and edition: only an equal one is taken over. */
  readonly key: string;
  readonly graded: Omit<Reported, "outcomes"> & { readonly outcomes: readonly (readonly [string, Outcome])[] };
}

export class Journal {
  readonly #file: string;
  readonly #done: ReadonlyMap<string, Reported>;
  readonly seed: string;

  private constructor(file: string, seed: string, done: ReadonlyMap<string, Reported>) {
    this.#file = file;
    this.seed = seed;
    this.#done = done;
  }

  /** Begins anew, whatever was there. */
  static begin(seed: string, file: string): Journal {
    mkdirSync(dirname(file), { recursive: true });
    removeOld(dirname(file));
    writeFileSync(file, `${JSON.stringify({ version: 1, seed })}\n`, { mode: 0o600 });
    return new Journal(file, seed, new Map());
  }

  /** Goes on with the last one, under its seed; begins anew when there is none. */
  static resume(seed: string, file: string): Journal {
    const lines = linesOf(file);
    const head = parse<{ version?: unknown; seed?: unknown }>(lines[0]);
    if (head?.version !== 1 || typeof head.seed !== "string") return Journal.begin(seed, file);
    const done = new Map<string, Reported>();
    for (const line of lines.slice(1)) {
      // The last line may be half a line: the machine went down while it was written.
      const entry = parse<Entry>(line);
      if (entry?.key && entry.graded)
        done.set(entry.key, { ...entry.graded, outcomes: new Map(entry.graded.outcomes) });
    }
    if (lines.length && readFileSync(file, "utf8").at(-1) !== "\n") appendFileSync(file, "\n");
    return new Journal(file, head.seed, done);
  }

  take(key: string): Reported | undefined {
    return this.#done.get(key);
  }

  keep(key: string, graded: Reported): void {
    const entry: Entry = { key, graded: { ...graded, outcomes: [...graded.outcomes] } };
    appendFileSync(this.#file, `${JSON.stringify(entry)}\n`);
  }
}

function removeOld(folder: string): void {
  for (const name of readdirSync(folder).filter((one) => JOURNAL.test(one))) {
    const path = join(folder, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY);
    if (age > KEPT) rmSync(path, { force: true });
  }
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n").filter(Boolean);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function parse<T>(line: string | undefined): T | undefined {
  try {
    return line === undefined ? undefined : (JSON.parse(line) as T);
  } catch {
    return undefined;
  }
}
