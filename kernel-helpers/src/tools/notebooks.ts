import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { courseRoot } from "../core/paths";
import { type TypedCell, type TypedNotebook, typecheck } from "../kernel/typecheck";
import { type Course, type Curriculum, courseIndex, courseText, curriculumText } from "../notebook/course";
import { formatNotebook } from "../notebook/format";
import { type CourseFiles, type Finding, findingText, lintNotebook } from "../notebook/lint";
import { isCode, isGraded, isSolution, type Notebook, parseNotebook, sourceOf } from "../notebook/model";

/** The pristine notebooks of a course folder, by name. */
interface Read {
  readonly slug: string;
  readonly file: string;
  readonly text: string;
  readonly notebook: Notebook;
}

const notebooksFolder = join(courseRoot, "notebooks");

function readAll(folder: string): Read[] {
  return names(folder)
    .filter((name) => name.endsWith(".ipynb"))
    .map((name) => {
      const file = join(folder, name);
      const text = readFileSync(file, "utf8");
      return { slug: name.slice(0, -".ipynb".length), file, text, notebook: parseNotebook(text, `notebooks/${name}`) };
    });
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/**
 * Writes every pristine notebook, the generated part of course.json and the list of planned labs as they should be.
 * @param options.check changes nothing. Resolves to the files that are (or would be) changed, relative to the folder.
 * @throws LabError NOTEBOOK_INVALID for a notebook that cannot be read.
 */
export async function formatNotebooks(options: { check?: boolean; folder?: string } = {}): Promise<string[]> {
  const folder = options.folder ?? notebooksFolder;
  const all = readAll(folder);
  const wanted = all.map(({ file, text, notebook }) => ({ file, text, made: formatNotebook(notebook) }));
  const course = readJson<Course>(folder, "course.json");
  if (course) {
    // Drafts that course.json doesn't list yet aren't part of the course.
    const listed = all.filter(({ slug }) => course.json.labs.some((lab) => lab.slug === slug));
    wanted.push({ file: course.file, text: course.text, made: courseText(course.json, courseIndex(listed)) });
    const curriculum = readJson<Curriculum>(folder, "curriculum.json");
    if (curriculum) wanted.push({ ...curriculum, made: curriculumText(curriculum.json, course.json) });
  }
  const changed = wanted.filter(({ text, made }) => text !== made);
  if (!options.check) for (const { file, made } of changed) writeFileSync(file, made);
  return changed.map(({ file }) => file.slice(folder.length + 1));
}

function readJson<T>(folder: string, name: string): { file: string; text: string; json: T } | undefined {
  if (!names(folder).includes(name)) return undefined;
  const file = join(folder, name);
  const text = readFileSync(file, "utf8");
  return { file, text, json: JSON.parse(text) as T };
}

/** Every rule over every pristine notebook, and every cell, solution and wrong answer type-checked; nothing runs. */
export async function lintNotebooks(options: { folder?: string } = {}): Promise<Finding[]> {
  const folder = options.folder ?? notebooksFolder;
  const files = filesBelow(folder);
  const all = readAll(folder);
  const findings = all.flatMap(({ slug, notebook, text }) => lintNotebook({ slug, notebook, files, text }));
  const typed = all.map(({ slug, notebook }) => typedNotebook(slug, notebook, files));
  if (!typed.length) return findings;
  const types = await typecheck(typed, folder);
  return [
    ...findings,
    ...types.map((one): Finding => {
      const where = one.variant ? `${one.variant}, line ${one.line}` : `line ${one.line}`;
      return {
        notebook: one.notebook,
        cell: one.cell,
        rule: "type",
        level: "error",
        message: `${where}: ${one.message}`,
      };
    }),
  ];
}

/** A notebook's code with its stubs; each text that lies beside an exercise is a variant, up to the exercise's check. */
function typedNotebook(slug: string, notebook: Notebook, files: CourseFiles): TypedNotebook {
  const code = notebook.cells.filter(isCode);
  const cells = code.map((cell, i): TypedCell => {
    const base = { id: cell.id, source: sourceOf(cell) };
    if (!isSolution(cell)) return base;
    const folder = `solutions/${slug}/${cell.id}`;
    const variants = files
      .list(folder)
      .filter((name) => name.endsWith(".ts"))
      .map((name) => ({ name, source: files.read(`${folder}/${name}`) ?? "" }));
    const check = code.slice(i + 1).findIndex(isGraded);
    return { ...base, variants, follow: check + 1 };
  });
  return { name: slug, cells };
}

function filesBelow(folder: string): CourseFiles {
  const path = (name: string) => join(folder, ...name.split("/"));
  const has = (name: string) => statSync(path(name), { throwIfNoEntry: false }) !== undefined;
  return {
    has,
    read: (name) => (has(name) ? readFileSync(path(name), "utf8") : undefined),
    list: (name) => names(path(name)),
  };
}

/** Prints findings for a person. Returns whether any is an error. */
export function printFindings(findings: readonly Finding[], print: (line: string) => void = console.log): boolean {
  for (const one of findings) print(findingText(one));
  return findings.some((one) => one.level === "error");
}
