/** `npm run grade`: learners' copies, graded by a judge that trusts nothing that their kernels say. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { EngineKind } from "../brokers/engine";
import { LabError } from "../core/errors";
import type { CheckTexts } from "../lab/judge-body";
import { columns, printError, type Tool } from "./cli";
import { Farm } from "./grading/farm";
import { contentHash, type Found, submissionsIn } from "./grading/found";
import { notGraded, type OneSubmission } from "./grading/grade-one";
import { type Isolation, prepareIsolation } from "./grading/isolation";
import { Journal, journalFile } from "./grading/journal";
import type { Limits } from "./grading/limits";
import { MarkFiles } from "./grading/outputs";
import type { Reported } from "./grading/result";
import { freshSeed } from "./grading/run";
import { statisticsOf } from "./grading/statistics";
import { labList } from "./lab-list";
import { checksOf, readLab } from "./lab-notebook";
import { pool } from "./pool";
import { atLeastOne, exitCodeFor } from "./words";

const RIGHT = "npm run grade -- submissions/ --csv marks.csv";
/** After so many in a row that the machine could not grade, it is the machine. */
const GIVE_UP = 3;
/** How often a run looks whether npm is still there, in milliseconds. */
const ORPHANED = 250;
/** What ends a run before its time, and the exit codes for it. */
const INTERRUPTS: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

export const main: Tool = async ({ words, options }) => {
  // Node would open its debugger to whoever sends this signal.
  process.on("SIGUSR1", () => undefined);
  const outputs = { json: options.json, csv: options.csv, html: options.html };
  const say = Object.values(outputs).includes("-") ? console.error : console.log;
  try {
    const found = submissionsIn(words, typeof options.learner === "string" ? options.learner : undefined);
    const plan = planOf(options);
    const isolation = await prepareIsolation(plan.isolate, say);
    const kept = journalFile(words);
    const journal = options.resume ? Journal.resume(plan.seed, kept) : Journal.begin(plan.seed, kept);
    say(`${counted(found.length)}, seed ${journal.seed}, ${PLACES[isolation.kind]}`);
    const batch = new Batch(found, { ...plan, isolation, journal, say, files: new MarkFiles(outputs) });
    const failed = await batch.run();
    const all = batch.present;
    say(table(all));
    if (all.length > 1) say(`\n${figures(all)}`);
    return failed ? 3 : 0;
  } catch (error) {
    printError(error);
    return exitCodeFor(error);
  }
};

/**
 * A SIGTERM for npm alone ends the shell between npm and this process, and never comes through. Only below npm: whoever
 * starts this program in the background may go.
 */
function whenOrphaned(stop: () => void): { forget(): void } {
  const parent = process.ppid;
  const look = (): void => {
    if (process.ppid !== parent) stop();
  };
  const timer = process.env.npm_lifecycle_event === undefined ? undefined : setInterval(look, ORPHANED);
  return { forget: () => clearInterval(timer) };
}

const counted = (number: number) => `${number} submission${number === 1 ? "" : "s"}`;

const PLACES: Record<Isolation["kind"], string> = {
  docker: "each kernel in a container without a network",
  process: "each kernel a process of this user",
};

interface Plan {
  readonly jobs: number;
  readonly seed: string;
  readonly engine: EngineKind | "auto" | undefined;
  readonly isolate: string;
  readonly limits: Limits;
}

function planOf(options: Parameters<Tool>[0]["options"]): Plan {
  const seconds = (name: string): number | undefined =>
    options[name] === undefined
      ? undefined
      : atLeastOne(options[name], 0, `npm run grade -- FILE --${name} 60`, 36_000) * 1000;
  const mib = (name: string): number | undefined =>
    options[name] === undefined
      ? undefined
      : atLeastOne(options[name], 0, `npm run grade -- FILE --${name} 1024`, 1_048_576) * 1024 * 1024;
  const limits = { cell: seconds("cell-time"), submission: seconds("time"), memory: mib("memory") };
  return {
    jobs: atLeastOne(options.jobs, 2, `${RIGHT} --jobs 2`),
    seed: typeof options.seed === "string" ? seedOf(options.seed) : freshSeed(),
    engine: options.engine as EngineKind | "auto" | undefined,
    isolate: typeof options.isolate === "string" ? options.isolate : "auto",
    limits: Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)),
  };
}

/** A word, or the first line of a file: a seed on the command line is seen by whoever lists this machine's processes. */
function seedOf(word: string): string {
  const file = resolve(word);
  if (!existsSync(file)) return word;
  const [line = ""] = readFileSync(file, "utf8").split("\n");
  if (line.trim()) return line.trim();
  throw new LabError(
    "BAD_ARGUMENT",
    `${word} is an empty file`,
    `${RIGHT} --seed seed.txt, with a secret in its first line`,
  );
}

interface Setting extends Plan {
  readonly isolation: Isolation;
  readonly journal: Journal;
  readonly files: MarkFiles;
  readonly say: (line: string) => void;
}

/** All submissions of one call. */
class Batch {
  readonly #found: readonly Found[];
  readonly #to: Setting;
  readonly #done: (Reported | undefined)[];
  readonly #farm = new Farm();
  #failedInARow = 0;

  constructor(found: readonly Found[], to: Setting) {
    this.#found = found;
    this.#to = to;
    this.#done = found.map(() => undefined);
  }

  get present(): Reported[] {
    return this.#done.filter((one) => one !== undefined);
  }

  /** Returns how many the machine could not grade. @throws LabError when it can grade none. */
  async run(): Promise<number> {
    const { jobs, files } = this.#to;
    let failed = 0;
    let stopping = false;
    const stop = (signal: NodeJS.Signals): void => {
      // npm passes on the Ctrl-C that this process has had from the terminal: the second must not cut off the first.
      if (stopping) return;
      stopping = true;
      files.last(this.present);
      this.#to.say("interrupted: the same line with --resume goes on from here");
      process.exit(INTERRUPTS[signal]);
    };
    for (const signal of Object.keys(INTERRUPTS)) process.on(signal, stop);
    const orphaned = whenOrphaned(() => stop("SIGTERM"));
    try {
      await pool(this.#found, jobs, async (one, index) => {
        const { graded, machine } = await this.#one(one);
        if (machine) failed++;
        this.#done[index] = this.#noted(graded, one);
        this.#to.say(`[${this.present.length}/${this.#found.length}] ${line(graded)}`);
        files.soon(this.present);
      });
    } finally {
      for (const signal of Object.keys(INTERRUPTS)) process.off(signal, stop);
      orphaned.forget();
      files.last(this.present);
      await this.#farm.end();
    }
    return failed;
  }

  /** What was done before is taken over; a failure of the machine's is tried once more. */
  async #one(found: Found): Promise<{ graded: Reported; machine: boolean }> {
    const { journal, seed: _, engine, limits, isolation } = this.#to;
    const key = [contentHash(found.file), found.learner, found.file, courseMark()].join(" ");
    const before = journal.take(key);
    if (before) return { graded: before, machine: false };
    const submission: OneSubmission = {
      ...found,
      seed: journal.seed,
      engine,
      limits,
      isolation,
      texts: allTexts(),
    };
    try {
      const graded = await this.#farm.grade(submission).catch(() => this.#farm.grade(submission));
      this.#failedInARow = 0;
      journal.keep(key, graded);
      return { graded, machine: false };
    } catch (error) {
      if (++this.#failedInARow >= Math.min(GIVE_UP, this.#found.length)) throw error;
      return {
        graded: notGraded(found, "", `this machine could not grade it: ${(error as Error).message}`),
        machine: true,
      };
    }
  }

  #noted(graded: Reported, { file, learner }: Found): Reported {
    const twin = this.present.find((one) => one.learner === learner && one.lab === graded.lab && one.file !== file);
    return twin && graded.lab
      ? { ...graded, notes: [...graded.notes, `${learner} has handed in this lab twice: see also ${twin.file}`] }
      : graded;
  }
}

let texts: Record<string, Record<string, CheckTexts>> | undefined;

/** All checks of this course, compiled once for all submissions. */
function allTexts(): Record<string, Record<string, CheckTexts>> {
  texts ??= Object.fromEntries(labList().map(({ slug }) => [slug, checksOf(slug)]));
  return texts;
}

let mark: string | undefined;

/** Which notebooks this course has now: a mark of another edition is not taken over. */
function courseMark(): string {
  mark ??= labList()
    .map(({ slug }) => `${slug}@${readLab(slug).metadata.mqtt?.edition ?? ""}`)
    .join(",");
  return mark;
}

function line(one: Reported): string {
  const checks = one.checks.map((check) => `${check.id} ${check.status}`).join(", ");
  return `${one.learner} ${one.lab || "no lab"}: ${one.score} of ${one.points} (${checks || one.notes.join("; ")})`;
}

const table = (all: readonly Reported[]): string =>
  columns([
    ["learner", "lab", "score", "notes"],
    ...all.map((one) => [
      one.learner,
      one.lab || "-",
      `${one.score} of ${one.points}`,
      one.notes.slice(1).join("; ").slice(0, 100),
    ]),
  ]);

function figures(all: readonly Reported[]): string {
  const rows = statisticsOf(all).map((row) => [
    `${row.lab} ${row.id}`,
    `${row.passed} of ${row.submissions}${row.partly ? ` (${row.partly} in part)` : ""}`,
    row.seconds === null ? "-" : `${row.seconds.toFixed(1)} s`,
    row.wrong ? `${row.wrong} (${row.wrongTimes}x)` : "",
  ]);
  return columns([["check", "passed", "median", "seen most often where it was not passed"], ...rows]);
}
