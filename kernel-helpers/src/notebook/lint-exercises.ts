import { type CourseFiles, type Found, found } from "./finding";
import { type Cell, isSolution, type Notebook, tagsOf } from "./model";

/**
 * What lies beside a notebook: each exercise has a solution, another of a different shape, three wrong answers that say
 * why they fail, and hints in three steps. A forecast's cell needs its answer only.
 */
export function lintExercises(slug: string, notebook: Notebook, files: CourseFiles): Found[] {
  const folder = `solutions/${slug}`;
  const cells = notebook.cells.filter(isSolution);
  const ids = new Set(cells.map((cell) => cell.id));
  const stray = files.list(folder).filter((name) => !ids.has(name));
  return [
    ...stray.map((name) => found("", "exercise", `${folder}/${name} belongs to no exercise of this notebook`)),
    ...cells.flatMap((cell) => beside(cell, `${folder}/${cell.id}`, files)),
  ];
}

function beside(cell: Cell, folder: string, files: CourseFiles): Found[] {
  const names = files.list(folder);
  const all: Found[] = [];
  const say = (message: string) => void all.push(found(cell, "exercise", `${folder}: ${message}`));
  if (!names.includes("solution.ts")) say("there is no solution.ts");
  for (const name of names) {
    if (!/^(solution|other|wrong-[a-z0-9-]+|cheat-[a-z0-9-]+)\.ts$|^hints\.md$/.test(name))
      say(`${name} is no file that belongs there`);
  }
  for (const name of names.filter((one) => /^(wrong|cheat)-/.test(one))) {
    const first = (files.read(`${folder}/${name}`) ?? "").split("\n")[0] ?? "";
    if (!/^\/\/ expect: \S/.test(first)) say(`${name} does not begin with "// expect: …"`);
  }
  if (!tagsOf(cell).includes("exercise")) return all;
  if (!names.includes("other.ts")) say("there is no other.ts, right in a different way");
  const wrong = names.filter((name) => name.startsWith("wrong-")).length;
  if (wrong < 3) say(`${wrong} wrong answers; there are at least three`);
  const steps = (files.read(`${folder}/hints.md`) ?? "").match(/^(##\s|\d+[.)]\s)/gm)?.length ?? 0;
  if (steps !== 3) say(`hints.md has ${steps} steps; there are three, each below a "## " heading`);
  return all;
}
