import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LabError } from "../core/errors";
import { courseRoot } from "../core/paths";

/** A file of notebooks/material/<lab>. @throws LabError BAD_ARGUMENT with the names that there are. */
export function readMaterial(lab: string, name: string): string {
  const folder = join(courseRoot, "notebooks", "material", lab);
  const names = listing(folder);
  if (!names.includes(name)) {
    throw new LabError(
      "BAD_ARGUMENT",
      `lab ${lab} has no material "${name}"`,
      names.length ? `write one of: ${names.join(", ")}` : "check the lab's name in the notebook's first cell",
    );
  }
  return readFileSync(join(folder, name), "utf8");
}

function listing(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
