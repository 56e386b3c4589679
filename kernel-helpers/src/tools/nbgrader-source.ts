/** The course as nbgrader's source folder: solved notebooks whose answers generate_assignment takes out again. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LabError } from "../core/errors";
import { besideExercise } from "../lab/lesson-files";
import { writeNotebook } from "../notebook/format";
import { type Cell, isGraded, isSolution, type Nbgrader, type Notebook, sourceOf } from "../notebook/model";
import { labList } from "./lab-list";
import { readLab } from "./lab-notebook";

const BEGIN = "// BEGIN SOLUTION";
const END = "// END SOLUTION";

/**
 * What nbgrader has to be told. `code_stub` must have the notebook's language or generate_assignment stops; a region
 * always leaves one line, and ours are to leave none.
 */
const CONFIG = `# Made by: npm run handout -- --nbgrader
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    IncludeHeaderFooter,
    LockCells,
    SaveCells,
)

c = get_config()  # noqa: F821


class ExactStubs(ClearSolutions):
    """Takes the answers out and leaves the stubs as they are, without the empty lines that regions leave."""

    def preprocess_cell(self, cell, resources, cell_index):
        before = cell.source
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        if cell.source != before:
            cell.source = cell.source.strip("\\n")
        return cell, resources


c.CourseDirectory.course_id = "mqtt"
c.ClearSolutions.code_stub = {"typescript": ""}
c.GenerateAssignment.preprocessors = [
    IncludeHeaderFooter,
    LockCells,
    ExactStubs,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
    SaveCells,
    ClearHiddenTests,
    ClearMarkScheme,
    ComputeChecksums,
    CheckCellMetadata,
]
# A cell that never ends is interrupted, and the ones after it still run.
c.ExecutePreprocessor.timeout = 60
c.ExecutePreprocessor.interrupt_on_timeout = True
`;

/**
 * Writes DIR/nbgrader_config.py and DIR/source/LAB/LAB.ipynb. Returns the labs.
 * @throws LabError BAD_ARGUMENT for a folder that has something in it.
 */
export function writeNbgraderSource(out: string): string[] {
  if (existsSync(out) && readdirSync(out).length) {
    throw new LabError("BAD_ARGUMENT", `${out} is not empty`, "name a folder that is not there yet");
  }
  const labs = labList().map(({ slug }) => slug);
  mkdirSync(out, { recursive: true });
  try {
    for (const slug of labs) {
      const folder = join(out, "source", slug);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `${slug}.ipynb`), writeNotebook(sourceNotebook(slug, readLab(slug))));
    }
    writeFileSync(join(out, "nbgrader_config.py"), CONFIG);
  } catch (error) {
    rmSync(out, { recursive: true, force: true });
    throw error;
  }
  return labs;
}

function sourceNotebook(slug: string, pristine: Notebook): Notebook {
  const cells = pristine.cells.map((cell): Cell => {
    const nbgrader = cell.metadata.nbgrader;
    if (!nbgrader) return cell;
    const source = isSolution(cell)
      ? withSolution(sourceOf(cell), besideExercise(slug, cell.id, "solution.ts"), cell.id)
      : sourceOf(cell);
    const changed = { ...cell, source };
    return { ...changed, metadata: { ...cell.metadata, nbgrader: { ...nbgrader, ...checksum(changed, nbgrader) } } };
  });
  return { ...pristine, cells };
}

/** The answer runs and the stub does not; without the regions the stub is what there is. */
function withSolution(stub: string, solution: string | undefined, id: string): string {
  if (solution === undefined) return [BEGIN, END, stub].join("\n");
  const [open, close] = around(stub, id);
  return [BEGIN, solution.trimEnd(), open, END, stub, BEGIN, close, END].join("\n");
}

/** What keeps a stub from running: a comment, or a block where the end of a comment stands in it (a pattern, say). */
function around(stub: string, id: string): readonly [string, string] {
  if (!stub.includes("*/")) return ["/*", "*/"];
  if (!/^\s*(import|export)\b/m.test(stub)) return ["if (false) {", "}"];
  throw new LabError("NOTEBOOK_INVALID", `the stub of ${id} imports and has */ in it`, "write its comments with //");
}

/** As nbgrader computes it, for cells that it guards. */
function checksum(cell: Cell, nbgrader: Nbgrader): { checksum?: string } {
  return isGraded(cell) || nbgrader.locked ? { checksum: nbgraderChecksum(cell, nbgrader) } : {};
}

/** MD5 over the text, the kind, the flags and points in Python's words, and the id. */
export function nbgraderChecksum(cell: Cell, nbgrader: Nbgrader): string {
  const python = (flag: boolean | undefined) => (flag ? "True" : "False");
  const points = nbgrader.points ?? 0;
  const parts = [
    sourceOf(cell),
    cell.cell_type,
    python(nbgrader.grade),
    python(nbgrader.solution),
    python(nbgrader.locked),
    nbgrader.grade_id ?? "",
    ...(nbgrader.grade ? [Number.isInteger(points) ? `${points}.0` : String(points)] : []),
  ];
  const hash = createHash("md5");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}
