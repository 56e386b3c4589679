/** The labs of the course: notebooks/course.json is the list. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LabError } from "../core/errors";
import { notebooksFolder } from "../lab/lesson-files";

export interface LabEntry {
  readonly id: number;
  readonly slug: string;
  readonly minutes: number;
  readonly needs: readonly string[];
}

/** @throws LabError NOTEBOOK_INVALID when course.json is missing or broken. */
export function labList(folder = notebooksFolder()): readonly LabEntry[] {
  try {
    const { labs } = JSON.parse(readFileSync(join(folder, "course.json"), "utf8")) as { labs: LabEntry[] };
    if (!Array.isArray(labs) || !labs.every((lab) => typeof lab.slug === "string")) throw new Error("no list of labs");
    return labs;
  } catch (cause) {
    throw new LabError(
      "NOTEBOOK_INVALID",
      `notebooks/course.json cannot be read: ${(cause as Error).message}`,
      "bring it back with: git checkout -- notebooks/course.json",
      { cause },
    );
  }
}

/**
 * The labs that words name: 3, 03 or 03-qos-and-retained; all of them without words.
 * @throws LabError BAD_ARGUMENT with the line that would be right.
 */
export function pickLabs(words: readonly string[], call: string, labs = labList()): readonly LabEntry[] {
  if (!words.length) return labs;
  const picked = words.map((word) => {
    const found = labs.find((lab) => lab.slug === word || (/^\d+$/.test(word) && lab.id === Number(word)));
    if (found) return found;
    const near = labs.find((lab) => lab.slug.includes(word.toLowerCase())) ?? labs[0];
    throw new LabError(
      "BAD_ARGUMENT",
      `there is no lab "${word}"; there are: ${labs.map((lab) => lab.slug).join(", ")}`,
      `${call} -- ${near?.slug ?? ""}`,
    );
  });
  return [...new Set(picked)];
}
