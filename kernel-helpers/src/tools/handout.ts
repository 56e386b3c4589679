/** `npm run handout`: the course for learners, without solutions, wrong answers and cheats. */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import { LabError } from "../core/errors";
import { courseRoot } from "../core/paths";
import { printError, type Tool } from "./cli";
import { labList } from "./lab-list";
import { writeNbgraderSource } from "./nbgrader-source";

/**
 * What the course consists of. Nothing else goes along: an instructor's folder also has submissions, marks and a seed in
 * it, and notebooks of their own.
 */
const COURSE = [
  ".editorconfig",
  ".gitattributes",
  ".gitignore",
  ".npmrc",
  ".vscode",
  "LICENSE",
  "README.md",
  "biome.json",
  "certs",
  "docker",
  "kernel-helpers",
  "notebooks",
  "package-lock.json",
  "package.json",
  "site",
  "tsconfig.json",
];
/** Of its notebooks' folder, besides the notebooks of its labs. */
const BESIDE_NOTEBOOKS = ["course.json", "curriculum.json", "material", "solutions"];
/** In it: what comes back by itself, belongs to one person, or is for those who write the course. */
const LEFT_OUT = [
  ".cache",
  "node_modules",
  "dist",
  "dist-build",
  "dist-test",
  "__pycache__",
  ".ipynb_checkpoints",
  "kernel-helpers/embedded/out",
  "kernel-helpers/test",
  "site/test",
  "certs/out",
];
const LEFTOVERS = /\.(log|tsbuildinfo)$|^\.dist\.|^\.DS_Store$/;

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
    const files = handOut(
      courseRoot,
      out,
      labList().map(({ slug }) => slug),
    );
    console.log(`${files} files in ${out}; there, npm start opens the course.`);
    return 0;
  } catch (error) {
    printError(error);
    return error instanceof LabError && error.code === "BAD_ARGUMENT" ? 2 : 1;
  }
};

/**
 * Copies a course, hints included. Returns how many files there are.
 * @param labs the slugs of its labs.
 * @throws LabError BAD_ARGUMENT for a folder that has something in it, or that lies inside the course.
 */
export function handOut(course: string, out: string, labs: readonly string[]): number {
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
    if (path && !belongs(path, labs)) return false;
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
export function belongs(path: string, labs: readonly string[]): boolean {
  const [top = "", second, ...deeper] = path.split("/");
  if (!COURSE.includes(top)) return false;
  const parts = path.split("/");
  const leftOut = (one: string) =>
    one.includes("/") ? path === one || path.startsWith(`${one}/`) : parts.includes(one);
  if (LEFT_OUT.some(leftOut) || parts.some((part) => LEFTOVERS.test(part))) return false;
  if (top !== "notebooks" || second === undefined) return true;
  if (!BESIDE_NOTEBOOKS.includes(second)) return labs.some((lab) => second === `${lab}.ipynb`);
  // Of what lies beside an exercise only the hints are for learners; folders are entered for their sake.
  return second !== "solutions" || deeper.length < 3 || deeper[2] === "hints.md";
}
