/** A lab's pristine notebook, its exercises, and the answers that lie beside them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LabError } from "../core/errors";
import { type CheckTexts, checkTexts } from "../lab/judge-body";
import { notebooksFolder, readPristine } from "../lab/lesson-files";
import { graft } from "../notebook/graft";
import { type Cell, isGraded, isSolution, type Notebook, sourceOf, tagsOf } from "../notebook/model";

/** @throws LabError NOTEBOOK_INVALID. */
export function readLab(slug: string, folder = notebooksFolder()): Notebook {
  const notebook = readPristine(slug, folder);
  if (notebook) return notebook;
  throw new LabError(
    "NOTEBOOK_INVALID",
    `there is no notebooks/${slug}.ipynb`,
    "bring it back with: git checkout -- notebooks",
  );
}

/** The notebook with the course's answers in it, forecasts included; `texts` of one's own go before them. */
export function solvedLab(slug: string, texts: Readonly<Record<string, string | undefined>> = {}): Notebook {
  const all = { ...solutionsOf(slug), ...texts };
  const given = Object.entries(all).filter((one): one is [string, string] => one[1] !== undefined);
  return graft(readLab(slug), Object.fromEntries(given)).notebook;
}

/** A lab's checks in their two parts, by id. */
export function checksOf(slug: string): Record<string, CheckTexts> {
  const graded = readLab(slug).cells.filter(isGraded);
  return Object.fromEntries(graded.map((cell) => [checkId(cell), checkTexts(sourceOf(cell), checkId(cell))]));
}

/** The id under which a check cell is graded. */
export const checkId = (cell: Cell): string => cell.metadata.nbgrader?.grade_id ?? cell.id;

/** An exercise with the ids of the checks that judge it: those between it and the next one. */
export interface Exercise {
  readonly id: string;
  readonly checks: readonly string[];
}

/** Forecasts are no exercises, although they are the learner's to write. */
export function exercisesOf(notebook: Notebook): Exercise[] {
  const exercises: { id: string; checks: string[] }[] = [];
  for (const cell of notebook.cells) {
    if (isSolution(cell) && tagsOf(cell).includes("exercise")) exercises.push({ id: cell.id, checks: [] });
    else if (isGraded(cell)) exercises.at(-1)?.checks.push(checkId(cell));
  }
  return exercises.filter((exercise) => exercise.checks.length);
}

/** An answer beside an exercise: solution, other, wrong-NAME, cheat-NAME. */
export interface Variant {
  /** The file's name without .ts. */
  readonly name: string;
  readonly kind: "solution" | "other" | "wrong" | "cheat";
  readonly source: string;
  /** What its first line says: `// expect: part of the card's message`. */
  readonly expect: string | undefined;
}

export function variantsOf(slug: string, exercise: string, folder = notebooksFolder()): Variant[] {
  const beside = join(folder, "solutions", slug, exercise);
  if (!existsSync(beside)) return [];
  const names = readdirSync(beside).sort();
  return names.flatMap((file) => {
    const [, name, kind] = /^((solution|other|wrong|cheat)(?:-[\w-]+)?)\.ts$/.exec(file) ?? [];
    if (!name) return [];
    const source = readFileSync(join(beside, file), "utf8");
    return [{ name, kind: kind as Variant["kind"], source, expect: /^\/\/ expect: (.+)/.exec(source)?.[1]?.trim() }];
  });
}

/** The course's answers by cell id: exercises and forecasts. */
function solutionsOf(slug: string, folder = notebooksFolder()): Record<string, string> {
  const beside = join(folder, "solutions", slug);
  if (!existsSync(beside)) return {};
  const ids = readdirSync(beside).filter((id) => existsSync(join(beside, id, "solution.ts")));
  return Object.fromEntries(ids.map((id) => [id, readFileSync(join(beside, id, "solution.ts"), "utf8")]));
}
