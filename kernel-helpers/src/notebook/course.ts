import { isCode, isGraded, type Notebook, sourceOf } from "./model";

/** A notebook of the course under its slug ("01-environment"). */
export interface CourseNotebook {
  readonly slug: string;
  readonly notebook: Notebook;
}

/** A cell that proves something: its lab's slug and its id. */
export interface Proof {
  readonly lab: string;
  readonly cell: string;
}

export interface LabFacts {
  readonly slug: string;
  /** The H1 of the notebook. */
  readonly title: string;
  readonly points: number;
  readonly checks: readonly { readonly id: string; readonly points: number }[];
  readonly codeCells: number;
  readonly words: number;
}

export interface CourseIndex {
  /** Topic id ("L1.2", "S4.5") to the cells that prove it. */
  readonly topics: Readonly<Record<string, readonly Proof[]>>;
  /** Statement of the specification ("MQTT-3.1.0-1") to the cells that show it. */
  readonly statements: Readonly<Record<string, readonly Proof[]>>;
  readonly labs: readonly LabFacts[];
}

/** How many topics each chapter of the curriculum's specialist list has: S1.1 to S1.6, and so on. */
const SPECIALIST = [6, 6, 6, 5, 5, 5];

export function isTopic(id: string): boolean {
  const lesson = /^L([1-9]|1[0-8])\.[1-9]$/.test(id);
  const special = /^S([1-6])\.([1-9])$/.exec(id);
  return lesson || (special !== null && Number(special[2]) <= (SPECIALIST[Number(special[1]) - 1] ?? 0));
}

export const isStatement = (id: string): boolean => /^MQTT-\d+\.\d+\.\d+-\d+$/.test(id);

/** The facts of all notebooks, from their cells' metadata. Pure; proofs keep the order of labs and cells. */
export function courseIndex(notebooks: readonly CourseNotebook[]): CourseIndex {
  const topics = new Map<string, Proof[]>();
  const statements = new Map<string, Proof[]>();
  for (const { slug, notebook } of notebooks) {
    for (const cell of notebook.cells) {
      for (const id of new Set(cell.metadata.mqtt?.proves ?? [])) {
        const list = isStatement(id) ? statements : topics;
        list.set(id, [...(list.get(id) ?? []), { lab: slug, cell: cell.id }]);
      }
    }
  }
  return { topics: sorted(topics), statements: sorted(statements), labs: notebooks.map(labFacts) };
}

function labFacts({ slug, notebook }: CourseNotebook): LabFacts {
  const checks = notebook.cells
    .filter(isGraded)
    .map((cell) => ({ id: cell.metadata.nbgrader?.grade_id ?? cell.id, points: cell.metadata.nbgrader?.points ?? 0 }));
  return {
    slug,
    title: titleOf(notebook),
    points: checks.reduce((sum, check) => sum + check.points, 0),
    checks,
    codeCells: notebook.cells.filter(isCode).length,
    words: wordsOf(notebook),
  };
}

export function titleOf(notebook: Notebook): string {
  for (const cell of notebook.cells) {
    const title = cell.cell_type === "markdown" ? /^#\s+(.+)$/m.exec(sourceOf(cell))?.[1] : undefined;
    if (title) return title.trim();
  }
  return "";
}

/** Words of the prose: no code, no addresses of links, no marks. */
export const wordsOf = (notebook: Notebook): number =>
  notebook.cells
    .filter((cell) => cell.cell_type === "markdown")
    .reduce((sum, cell) => sum + (prose(sourceOf(cell)).match(/[\p{L}\p{N}][\p{L}\p{N}'’.-]*/gu)?.length ?? 0), 0);

/** A Markdown text without its code, links' targets, images' targets and comments. */
export const prose = (markdown: string): string =>
  markdown
    .replace(/^(```|~~~)[^\n]*\n[\s\S]*?^\1.*$/gm, "")
    .replace(/<!--[\s\S]*?-->/g, "")
    .replace(/(`+)[^`][\s\S]*?\1/g, " code ")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/<https?:[^>]*>/g, "")
    .replace(/<\/?[a-z][^>]*>/gi, "");

const sorted = (map: ReadonlyMap<string, Proof[]>): Record<string, Proof[]> =>
  Object.fromEntries([...map].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true })));

/** course.json: the list of labs is written by hand, all else is generated. */
export interface Course {
  readonly labs: readonly { readonly id: number; readonly slug: string; readonly [more: string]: unknown }[];
  readonly [more: string]: unknown;
}

/** The text of course.json with its generated part made anew. */
export function courseText(course: Course, index: CourseIndex): string {
  const { labs: _, topics: __, statements: ___, ...more } = course;
  const made = { ...more, labs: course.labs, topics: proofs(index.topics), statements: proofs(index.statements) };
  return `${JSON.stringify(made, null, 2)}\n`;
}

/** "01-environment#first-connack": one line a proof keeps the file readable in a diff. */
const proofs = (all: Readonly<Record<string, readonly Proof[]>>): Record<string, string[]> =>
  Object.fromEntries(Object.entries(all).map(([id, list]) => [id, list.map((one) => `${one.lab}#${one.cell}`)]));

/** curriculum.json: the labs that are still to be written, and what topics are called. Written by hand. */
export interface Curriculum {
  readonly planned: readonly { readonly slug: string; readonly [more: string]: unknown }[];
  /** Topic id ("L1.2", "S4.5") to its name. */
  readonly topics: Readonly<Record<string, string>>;
}

/** The text of curriculum.json: a line each, and without the labs that course.json lists by now. */
export function curriculumText({ planned, topics }: Curriculum, course: Course): string {
  const open = planned.filter(({ slug }) => !course.labs.some((lab) => lab.slug === slug));
  const lines = (rows: readonly string[], ends: string): string =>
    rows.length ? `\n    ${rows.join(",\n    ")}\n  ${ends}` : ends;
  const labs = lines(
    open.map((lab) => JSON.stringify(lab)),
    "]",
  );
  const names = lines(
    Object.entries(topics).map(([id, name]) => `${JSON.stringify(id)}: ${JSON.stringify(name)}`),
    "}",
  );
  return `{\n  "planned": [${labs},\n  "topics": {${names}\n}\n`;
}
