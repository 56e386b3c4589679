import type { CourseFiles, Finding, Found } from "./finding";
import { formatNotebook } from "./format";
import { lintCells } from "./lint-cells";
import { lintChecks } from "./lint-checks";
import { lintExercises } from "./lint-exercises";
import { lintLesson } from "./lint-lesson";
import { lintProse } from "./lint-prose";
import type { Notebook } from "./model";

export type { CourseFiles, Finding, Rule } from "./finding";

/** What a draft is only warned of. */
const LENIENT = new Set(["order", "words", "length"]);

/**
 * Every rule of the course over one pristine notebook. Pure: `files` answers for the files around it, `text` is the
 * file's own text where its bytes are to be judged too.
 */
export function lintNotebook(of: { slug: string; notebook: Notebook; files: CourseFiles; text?: string }): Finding[] {
  const { slug, notebook, files } = of;
  const all: Found[] = [
    ...lintCells(notebook),
    ...lintLesson(notebook),
    ...lintProse(notebook, files),
    ...lintChecks(notebook),
    ...lintExercises(slug, notebook, files),
  ];
  if (of.text !== undefined && of.text !== formatNotebook(notebook)) {
    all.push({
      cell: "",
      rule: "format",
      message: "the file's bytes are not as the formatter writes them: npm run format",
    });
  }
  const draft = notebook.metadata.mqtt?.draft === true;
  return all.map((one) => ({
    ...one,
    notebook: slug,
    level: one.level ?? (draft && LENIENT.has(one.rule) ? "warning" : "error"),
  }));
}

/** "01-environment#first-connack: length: 21 lines of code; 18 is the most". */
export const findingText = (one: Finding): string =>
  `${one.notebook}${one.cell ? `#${one.cell}` : ""}: ${one.level === "warning" ? "warning, " : ""}${one.rule}: ${one.message}`;
