import type { Cache } from "./cache";
import type { LabContent } from "./lab-page";
import type { Material, Solutions } from "./lesson";
import { readNotebook } from "./notebook";

/** Everything that a notebook's page is made from, as plain data. */
export interface Job {
  /** What its page is kept under in the cache: the same for all that gives the same page. */
  readonly key: string;
  readonly name: string;
  readonly text: string;
  readonly material: Material;
  readonly solutions: Solutions;
  /** Notebook name without ending -> its page. */
  readonly pages: Readonly<Record<string, string>>;
}

export const inputsOf = ({ text, name, solutions, material, pages }: Omit<Job, "key">): readonly string[] => [
  text,
  name,
  solutions,
  JSON.stringify(material),
  JSON.stringify(pages),
];

/** @throws NotebookError when the text is no notebook that can be shown. */
export function render({ name, text, material, solutions, pages }: Job, cache: Cache<LabContent>): LabContent {
  // Loaded only when something has changed: the parsers are most of the program.
  const { labContent } = require("./lab-page") as typeof import("./lab-page");
  const warnings: string[] = [];
  const notebook = readNotebook(text, (what) => warnings.push(what));
  const pieces = cache.pieces(name);
  const content = labContent(notebook, { fallbackTitle: name, solutions, material, pages, pieces });
  pieces.keep();
  return { ...content, warnings: [...warnings, ...content.warnings] };
}
