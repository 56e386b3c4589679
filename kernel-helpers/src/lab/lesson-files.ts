import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { courseRoot } from "../core/paths";
import { isGraded, type Notebook, parseNotebook } from "../notebook/model";

/** Where the pristine notebooks and their solutions lie. MQTT_LAB_NOTEBOOKS names another course's folder. */
export const notebooksFolder = (): string => process.env.MQTT_LAB_NOTEBOOKS || join(courseRoot, "notebooks");

const SLUG = /^[a-z0-9][a-z0-9-]{0,60}$/;

/**
 * A lab's pristine notebook, or undefined where there is none of that name (a lab of the reader's own).
 * @throws LabError NOTEBOOK_INVALID when it is there and cannot be read.
 */
export function readPristine(slug: string, folder = notebooksFolder()): Notebook | undefined {
  const file = join(folder, `${slug}.ipynb`);
  if (!SLUG.test(slug) || !existsSync(file)) return undefined;
  return parseNotebook(readFileSync(file, "utf8"), `notebooks/${slug}.ipynb`);
}

/** The id under which a check is graded, and its points. */
export interface GradedCell {
  readonly id: string;
  readonly points: number;
}

export function gradedCells(notebook: Notebook | undefined): GradedCell[] {
  return (notebook?.cells ?? []).filter(isGraded).map((cell) => ({
    id: cell.metadata.nbgrader?.grade_id ?? cell.id,
    points: cell.metadata.nbgrader?.points ?? 0,
  }));
}

/** Files beside an exercise: hints.md, solution.ts … Undefined when it isn't there (a course handed out without them). */
export function besideExercise(slug: string, exercise: string, file: string): string | undefined {
  if (!SLUG.test(slug) || !SLUG.test(exercise)) return undefined;
  const path = join(notebooksFolder(), "solutions", slug, exercise, file);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

/** Exercises of a lab that have a file of this name, for messages. */
export function exercisesWith(slug: string, file: string): string[] {
  const folder = join(notebooksFolder(), "solutions", slug);
  if (!SLUG.test(slug) || !existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => existsSync(join(folder, name, file)));
}

/** The steps of a hints.md: its sections, each below a `## ` heading, else its numbered paragraphs. */
export function hintSteps(markdown: string): string[] {
  const sections = markdown
    .split(/^##\s.*$/m)
    .slice(1)
    .map((text) => text.trim());
  const steps = sections.length
    ? sections
    : markdown
        .split(/^\d+[.)]\s+/m)
        .slice(1)
        .map((text) => text.trim());
  return steps.filter(Boolean);
}
