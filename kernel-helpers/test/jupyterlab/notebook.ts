/** Notebooks as a test writes them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface FileCell {
  readonly id: string;
  readonly source: string;
  readonly outputs?: readonly unknown[];
}

/** Writes NAME into a folder; cells are named c1, c2 … unless they say otherwise. @returns NAME. */
export function writeNotebook(folder: string, name: string, cells: readonly (string | FileCell)[]): string {
  const notebook = {
    cells: cells.map((given, i) => {
      const cell = typeof given === "string" ? { id: `c${i + 1}`, source: given } : given;
      return { cell_type: "code", execution_count: null, metadata: {}, outputs: [], ...cell };
    }),
    metadata: {
      kernelspec: { display_name: "TypeScript", language: "typescript", name: "tslab" },
      language_info: { name: "typescript" },
    },
    nbformat: 4,
    nbformat_minor: 5,
  };
  writeFileSync(join(folder, name), `${JSON.stringify(notebook, null, 1)}\n`);
  return name;
}
