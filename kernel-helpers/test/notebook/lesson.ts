import type { Notebook } from "kernel-helpers/dist/notebook/model";

/** Cells of notebooks for tests, as a file holds them. */
export const md = (id: string, source: string, metadata: object = {}) => ({
  cell_type: "markdown",
  id,
  metadata,
  source,
});
export const code = (id: string, source: string, metadata: object = {}) => ({
  cell_type: "code",
  id,
  metadata,
  source,
  outputs: [] as unknown[],
  execution_count: null as number | null,
});

const grader = (id: string, what: object) => ({
  schema_version: 3,
  grade: false,
  solution: false,
  locked: false,
  grade_id: id,
  ...what,
});

export const exercise = (id: string, source: string) =>
  code(id, source, { nbgrader: grader(id, { solution: true }), tags: ["exercise"] });
export const check = (id: string, source: string, points = 2) =>
  code(id, source, { nbgrader: grader(id, { grade: true, locked: true, points }), tags: ["check"] });

export const notebook = (cells: object[], mqtt: object = { lab: "99-tiny", draft: true }): Notebook =>
  ({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: "tslab", display_name: "TypeScript (tslab)", language: "typescript" }, mqtt },
    cells,
  }) as unknown as Notebook;

const BODY = `await lab.check("late-check", { broker }, async (t, { broker }) => {
  const late = await t.client(broker, { subscribe: "site/temp" });
  t.equal((await late.next()).retain, true, "a late subscriber gets the last value");
});`;

/** A small lesson that breaks no rule but those of its size. */
export const tiny = (): ReturnType<typeof code>[] =>
  [
    md("card", "# Tiny\n\n10 minutes. See [the end](#Key-points)."),
    code("open", 'const lab = await openLab("99-tiny");', { tags: ["setup"] }),
    code("guess-late", 'lab.guess("late", "");', {
      tags: ["predict"],
      nbgrader: grader("guess-late", { solution: true }),
    }),
    code("show", "const packets = 1;", { mqtt: { proves: ["L3.4", "MQTT-3.3.1-3"], terms: ["retain"] } }),
    exercise("late", "let conf = ``;"),
    check("late-check", BODY),
    code("break", "void 0;", { tags: ["drill"] }),
    md("key-points", "## Key points\n\nThe broker keeps one value."),
    md("summary", "## In your own words"),
    code("end", "await lab.close();", { tags: ["teardown"] }),
  ] as ReturnType<typeof code>[];

/** The files that belong beside it. */
export const beside = (): Record<string, string> => ({
  "solutions/99-tiny/late/solution.ts": "let conf = `retain`;",
  "solutions/99-tiny/late/other.ts": "let conf = 'retain';",
  "solutions/99-tiny/late/wrong-a.ts": "// expect: RETAIN\nlet conf = '';",
  "solutions/99-tiny/late/wrong-b.ts": "// expect: RETAIN\nlet conf = '';",
  "solutions/99-tiny/late/wrong-c.ts": "// expect: RETAIN\nlet conf = '';",
  "solutions/99-tiny/late/hints.md": "## Where\n\na\n\n## What\n\nb\n\n## Almost\n\nc\n",
  "solutions/99-tiny/guess-late/solution.ts": 'lab.guess("late", "last");',
});

export const filesOf = (files: Record<string, string>) => ({
  has: (path: string) => path in files,
  read: (path: string) => files[path],
  list: (folder: string) => [
    ...new Set(
      Object.keys(files)
        .filter((path) => path.startsWith(`${folder}/`))
        .map((path) => path.slice(folder.length + 1).split("/")[0] as string),
    ),
  ],
});
