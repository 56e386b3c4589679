/** The course's own cells that run as one: each costs a turn of the compiler, which is most of what grading takes. Pure. */
import { type Cell, isGraded, isSolution, sourceOf, tagsOf } from "../../notebook/model";

/** A cell that several became; they can still be run one by one. */
export type Together = Cell & { readonly parts?: readonly Cell[] };

/**
 * Neighbours of the course's own become one cell, in their order, all of them. Not those that declare the same names, nor
 * those that speak of what an exercise declares: where its answer broke, they break, and each must do that alone.
 */
export function together(cells: readonly Cell[]): Together[] {
  const learners = new Set(cells.filter(isSolution).flatMap((cell) => [...declaredIn(sourceOf(cell))]));
  const groups: { cells: Cell[]; names: Set<string> }[] = [];
  let open = false;
  for (const cell of cells) {
    const source = sourceOf(cell);
    const names = declaredIn(source);
    const alone =
      isGraded(cell) || isSolution(cell) || tagsOf(cell).includes("raises-exception") || speaksOf(source, learners);
    const last = groups.at(-1);
    if (!alone && open && last && ![...names].some((name) => last.names.has(name))) {
      last.cells.push(cell);
      for (const name of names) last.names.add(name);
    } else groups.push({ cells: [cell], names });
    open = !alone;
  }
  return groups.map(({ cells: [first, ...more] }) => (more.length ? joined([first!, ...more]) : first!));
}

function joined(parts: readonly Cell[]): Together {
  // A line that begins with a bracket would go on with the cell before it.
  return { ...parts[0]!, source: parts.map(sourceOf).join("\n;\n"), parts };
}

const DECLARES =
  /^(?:export\s+)?(?:(?:const|let|var)\s+([^=]+)=|(?:async\s+)?(?:function\*?|class|interface|type|enum)\s+(\w+)|import\s+([^"']+)["'])/gm;

/** Names at the top of a cell, and some more where a pattern or a type stands there: a name too many only parts two cells. */
function declaredIn(source: string): Set<string> {
  const texts = [...source.matchAll(DECLARES)].map(([, list, name, imported]) => list ?? name ?? imported ?? "");
  return new Set(texts.flatMap((text) => text.match(/[A-Za-z_$][\w$]*/g) ?? []).filter((name) => !WORDS.has(name)));
}

const WORDS = new Set(["type", "from", "as", "string", "number", "boolean", "Record", "Promise"]);

function speaksOf(source: string, names: ReadonlySet<string>): boolean {
  return (source.match(/[A-Za-z_$][\w$]*/g) ?? []).some((word) => names.has(word));
}
