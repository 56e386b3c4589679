/** Where the marks go: files that are whole at any moment, or standard output at the end. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, parse, resolve } from "node:path";
import { toCsv, toHtml, toLearnerPage } from "./report";
import type { Graded, Reported } from "./result";

export type Outputs = Readonly<Record<"json" | "csv" | "html", string | true | undefined>>;

/** How often files are written while submissions come in, in milliseconds; the journal has each at once. */
const EVERY = 2_000;

export class MarkFiles {
  readonly #to: Outputs;
  #written = 0;

  constructor(to: Outputs) {
    this.#to = to;
  }

  /** While it goes on: now and then. */
  soon(graded: readonly Reported[]): void {
    if (Date.now() - this.#written < EVERY) return;
    this.#written = Date.now();
    this.#files(graded);
  }

  last(graded: readonly Reported[]): void {
    this.#files(graded);
    if (typeof this.#to.html === "string" && this.#to.html !== "-") learnerPages(resolve(this.#to.html), graded);
    for (const [kind, file] of Object.entries(this.#to)) if (file === "-") process.stdout.write(textOf(kind, graded));
  }

  #files(graded: readonly Reported[]): void {
    for (const [kind, file] of Object.entries(this.#to)) {
      if (typeof file === "string" && file !== "-") writeWhole(resolve(file), textOf(kind, graded));
    }
  }
}

function textOf(kind: string, graded: readonly Reported[]): string {
  if (kind === "csv") return toCsv(graded);
  if (kind === "html") return toHtml(graded);
  return `${JSON.stringify({ submissions: graded.map(plain) }, null, 2)}\n`;
}

/** As promised, and nothing more. */
function plain({ file, learner, lab, score, points, checks, notes }: Graded): Graded {
  return { file, learner, lab, score, points, checks, notes };
}

/** marks.html has all; marks/LEARNER.html what one learner may see. */
function learnerPages(file: string, graded: readonly Reported[]): void {
  const learners = [...new Set(graded.map((one) => one.learner))];
  if (learners.length < 2) return;
  const { dir, name } = parse(file);
  const folder = join(dir, name);
  mkdirSync(folder, { recursive: true });
  const taken = new Set<string>();
  for (const learner of learners) {
    // A name may hold what no file system takes, and two may become the same.
    const stem =
      learner
        .replace(/[^\p{L}\p{N}._@+-]+/gu, "_")
        .replace(/^\.+/, "_")
        .slice(0, 80) || "_";
    let unique = stem;
    for (let n = 2; taken.has(unique.toLowerCase()); n++) unique = `${stem}-${n}`;
    taken.add(unique.toLowerCase());
    const own = graded.filter((one) => one.learner === learner);
    writeWhole(join(folder, `${unique}.html`), toLearnerPage(learner, own));
  }
}

function writeWhole(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const next = `${file}.${process.pid}.tmp`;
  writeFileSync(next, text);
  renameSync(next, file);
}
