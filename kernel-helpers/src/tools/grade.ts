/** `npm run grade`: learners' copies, graded by a judge that trusts nothing that their kernels say. */
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve, sep } from "node:path";
import type { EngineKind } from "../brokers/engine";
import { LabError } from "../core/errors";
import { columns, printError, type Tool } from "./cli";
import { gradeApart } from "./grading/farm";
import { type Reported, toCsv, toHtml } from "./grading/report";
import type { Graded } from "./grading/result";
import { freshSeed } from "./grading/run";
import { pool } from "./pool";
import { atLeastOne, exitCodeFor } from "./words";

const RIGHT = "npm run grade -- submissions/ --csv marks.csv";

export const main: Tool = async ({ words, options }) => {
  const outputs = { json: options.json, csv: options.csv, html: options.html };
  const say = Object.values(outputs).includes("-") ? console.error : console.log;
  try {
    const found = submissionsIn(words, typeof options.learner === "string" ? options.learner : undefined);
    const jobs = atLeastOne(options.jobs, 2, `${RIGHT} --jobs 2`);
    const seed = typeof options.seed === "string" ? options.seed : freshSeed();
    const engine = options.engine as EngineKind | undefined;
    say(`${found.length} submission${found.length === 1 ? "" : "s"}, seed ${seed}`);
    const done: (Reported | undefined)[] = found.map(() => undefined);
    await pool(found, jobs, async ({ file, learner }, index) => {
      done[index] = await gradeApart({ file, learner, seed, engine });
      say(line(done[index] as Reported));
      // Written as they come: an interruption loses none that is done.
      write(outputs, present(done), false);
    });
    write(outputs, present(done), true);
    say(
      columns([
        ["learner", "lab", "score"],
        ...present(done).map((one) => [one.learner, one.lab, `${one.score} of ${one.points}`]),
      ]),
    );
    return 0;
  } catch (error) {
    printError(error);
    return exitCodeFor(error);
  }
};

const present = (all: readonly (Reported | undefined)[]): Reported[] => all.filter((one) => one !== undefined);

interface Found {
  readonly file: string;
  readonly learner: string;
}

/** Whose a file is: the first folder below the one that was named, else the file's own name. */
export function submissionsIn(words: readonly string[], learner?: string): Found[] {
  if (!words.length) throw new LabError("BAD_ARGUMENT", "nothing to grade was named", RIGHT);
  const found = words.flatMap((word) => {
    const path = resolve(word);
    if (!existsSync(path)) throw new LabError("BAD_ARGUMENT", `there is no ${word}`, RIGHT);
    if (!statSync(path).isDirectory()) return [{ file: path, learner: learner ?? basename(path, ".ipynb") }];
    return notebooksIn(path).map((file) => {
      const [first, ...more] = relative(path, file).split(sep);
      return { file, learner: learner ?? (more.length ? (first ?? "") : basename(file, ".ipynb")) };
    });
  });
  if (!found.length) throw new LabError("BAD_ARGUMENT", `there is no notebook in ${words.join(", ")}`, RIGHT);
  return found;
}

/** Notebooks below a folder, without those that JupyterLab keeps for itself. */
function notebooksIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => a.name.localeCompare(b.name))
    .flatMap((entry) => {
      if (entry.name.startsWith(".") || entry.name === "node_modules") return [];
      const path = join(folder, entry.name);
      return entry.isDirectory() ? notebooksIn(path) : entry.name.endsWith(".ipynb") ? [path] : [];
    });
}

function write(to: Record<string, string | true | undefined>, graded: readonly Reported[], last: boolean): void {
  const texts: Record<string, () => string> = {
    json: () => `${JSON.stringify({ submissions: graded.map(plain) }, null, 2)}\n`,
    csv: () => toCsv(graded),
    html: () => toHtml(graded),
  };
  for (const [kind, text] of Object.entries(texts)) {
    const file = to[kind];
    if (typeof file !== "string") continue;
    if (file !== "-") writeFileSync(resolve(file), text());
    else if (last) process.stdout.write(text());
  }
}

function plain({ file, learner, lab, score, points, checks, notes }: Graded): Graded {
  return { file, learner, lab, score, points, checks, notes };
}

function line(one: Graded): string {
  const checks = one.checks.map((check) => `${check.id} ${check.status}`).join(", ");
  return `${one.learner} ${one.lab || "no lab"}: ${one.score} of ${one.points} (${checks || one.notes.join("; ")})`;
}
