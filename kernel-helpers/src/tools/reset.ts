/** `npm run reset`: an exercise, or a whole notebook, as it was handed out; the old text stays in a dated copy. */
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { LabError } from "../core/errors";
import { courseRoot } from "../core/paths";
import { notebooksFolder } from "../lab/lesson-files";
import { writeNotebook } from "../notebook/format";
import { type Cell, cellById, isSolution, type Notebook, parseNotebook } from "../notebook/model";
import { printError, type Tool } from "./cli";
import { pickLabs } from "./lab-list";
import { readLab } from "./lab-notebook";
import { keepOld, writeWhole } from "./mine";
import { exitCodeFor } from "./words";

const RIGHT = "npm run reset -- 2 one-filter";

export const main: Tool = async ({ words }) => {
  try {
    const [lab, exercise, ...more] = words;
    if (lab === undefined || more.length) {
      throw new LabError("BAD_ARGUMENT", "name a lab, and one of its exercises or none for the whole notebook", RIGHT);
    }
    const slug = pickLabs([lab], "npm run reset")[0]!.slug;
    const kept = reset(slug, exercise);
    console.log(`${exercise ?? slug} is as it was handed out; what was there before is ${kept}`);
    console.log("A notebook that is open in JupyterLab: File, Reload Notebook from Disk.");
    return 0;
  } catch (error) {
    printError(error);
    return exitCodeFor(error);
  }
};

/**
 * Returns the copy that has the old text, from the folder of the notebooks.
 * @throws LabError BAD_ARGUMENT for an exercise that is none, or where there is nothing to reset.
 */
export function reset(slug: string, exercise?: string, mine = join(courseRoot, "notebooks", "mine")): string {
  const file = join(mine, `${slug}.ipynb`);
  const old = read(file);
  const pristine = readLab(slug);
  const stub = exercise === undefined ? undefined : stubOf(pristine, exercise);
  // A notebook that cannot be read as one is reset as a whole, or not at all.
  const text = stub
    ? writeNotebook(withStub(parseNotebook(old.toString("utf8"), `${slug}.ipynb`), stub))
    : readFileSync(join(notebooksFolder(), `${slug}.ipynb`), "utf8");
  const backup = keepOld(mine, slug, old);
  writeWhole(file, text);
  return `mine/.backup/${basename(backup)}`;
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new LabError("BAD_ARGUMENT", `there is no ${file}: nothing to reset`, "npm start makes your copies", {
      cause,
    });
  }
}

function stubOf(pristine: Notebook, exercise: string): Cell {
  const stub = cellById(pristine, exercise);
  if (stub && isSolution(stub)) return stub;
  const names = pristine.cells.filter(isSolution).map((cell) => cell.id);
  throw new LabError("BAD_ARGUMENT", `there is no exercise "${exercise}"`, `name one of ${names.join(", ")}`);
}

/** The learner's notebook with the stub in the exercise's place; a cell that was deleted comes back at the end. */
function withStub(notebook: Notebook, stub: Cell): Notebook {
  const grade = stub.metadata.nbgrader?.grade_id;
  const own = (cell: Cell) =>
    cell.id === stub.id || (grade !== undefined && cell.metadata.nbgrader?.grade_id === grade);
  const chosen = notebook.cells.find((cell) => cell.id === stub.id) ?? notebook.cells.find(own);
  if (!chosen) return { ...notebook, cells: [...notebook.cells, stub] };
  return { ...notebook, cells: notebook.cells.map((cell) => (cell === chosen ? { ...stub, id: cell.id } : cell)) };
}
