/** `npm run handout`: the course for learners, without solutions, wrong answers and cheats. */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import { LabError } from "../core/errors";
import { courseRoot } from "../core/paths";
import { printError, type Tool } from "./cli";
import { writeNbgraderSource } from "./nbgrader-source";

/** Folders that come back by themselves, belong to one person, or are for those who write the course. */
const LEFT_OUT = [
  ".git",
  ".ci",
  ".cache",
  ".venv",
  "node_modules",
  "dist",
  "dist-test",
  "notebooks/mine",
  "kernel-helpers/test",
  "site/test",
  "certs/out",
];

export const main: Tool = async ({ options }) => {
  try {
    if (typeof options.out !== "string") {
      throw new LabError("BAD_ARGUMENT", "where to is not said", "npm run handout -- --out ../handout");
    }
    const out = resolve(options.out);
    if (options.nbgrader) {
      const labs = writeNbgraderSource(out);
      console.log(`${labs.length} assignment${labs.length === 1 ? "" : "s"} in ${out}; there, for each:`);
      console.log(`nbgrader generate_assignment ${labs[0] ?? "LAB"} --create`);
      return 0;
    }
    const files = handOut(courseRoot, out);
    console.log(`${files} files in ${out}; there, npm start opens the course.`);
    return 0;
  } catch (error) {
    printError(error);
    return error instanceof LabError && error.code === "BAD_ARGUMENT" ? 2 : 1;
  }
};

/**
 * Copies a course, hints included. Returns how many files there are.
 * @throws LabError BAD_ARGUMENT for a folder that has something in it, or that lies inside the course.
 */
export function handOut(course: string, out: string): number {
  if (out === course || out.startsWith(`${course}${sep}`)) {
    throw new LabError("BAD_ARGUMENT", `${out} lies inside the course`, "npm run handout -- --out ../handout");
  }
  if (existsSync(out) && readdirSync(out).length) {
    throw new LabError("BAD_ARGUMENT", `${out} is not empty`, "name a folder that is not there yet");
  }
  mkdirSync(out, { recursive: true });
  let files = 0;
  const filter = (from: string): boolean => {
    const path = relative(course, from).split(sep).join("/");
    if (!belongs(path)) return false;
    if (statSync(from).isFile()) files++;
    return true;
  };
  try {
    cpSync(course, out, { recursive: true, filter });
  } catch (error) {
    // Half a course would look like a whole one.
    rmSync(out, { recursive: true, force: true });
    throw error;
  }
  return files;
}

/** @param path from the course's folder, with forward slashes. */
export function belongs(path: string): boolean {
  const parts = path.split("/");
  if (LEFT_OUT.some((one) => (one.includes("/") ? path === one || path.startsWith(`${one}/`) : parts.includes(one))))
    return false;
  if (parts[0] !== "notebooks" || parts[1] !== "solutions") return true;
  // Of what lies beside an exercise only the hints are for learners; folders are entered for their sake.
  return parts.length < 5 || parts[4] === "hints.md";
}
