import { LabError } from "../core/errors";
import type { UncompiledCell } from "../kernel/display";
import { type Cell, isCode, isGraded, isSolution, type Notebook, sourceOf } from "../notebook/model";
import { isCallOf } from "./judge-body";

/**
 * A check of the course that does not compile, because a learner's cell has taken the name `lab`, or an answer's type does
 * not fit: it is run all the same, by values instead of types and with the lab itself. Undefined for any other cell.
 * Names that no cell has declared become a LabError that says where they belong.
 */
export function checkByValues(
  pristine: Notebook | undefined,
  lab: object,
  cell: UncompiledCell,
): (() => Promise<unknown>) | undefined {
  const check = pristine?.cells.find((one) => isGraded(one) && isSame(cell.code, sourceOf(one)));
  if (!pristine || !check) return undefined;
  const expression = cell.javaScript().trim().replace(/;$/, "");
  try {
    // Sloppy code, for the sake of `with`: the cell's names are looked up among the values that cells have declared.
    const run = new Function("names", `with (names) return (async () => (${expression}\n))();`);
    return () => run(namesFor(pristine, check, lab, cell.declared)) as Promise<unknown>;
  } catch {
    return undefined; // more than one expression
  }
}

const isSame = (code: string, source: string): boolean =>
  code.trim() === source.trim() || isCallOf(code.trim(), source.trim());

function namesFor(pristine: Notebook, check: Cell, lab: object, declared: Readonly<Record<string, unknown>>): object {
  // Of a cell that threw the names are there, with no value yet.
  const has = (name: PropertyKey) => Object.hasOwn(declared, name) && declared[String(name)] !== undefined;
  return new Proxy(Object.create(null) as object, {
    has: (_, name) => name === "lab" || has(name) || !(name in globalThis),
    get: (_, name) => {
      if (typeof name === "symbol") return undefined;
      if (name === "lab") return lab;
      if (has(name)) return declared[name];
      throw notDeclared(pristine, check, name);
    },
  });
}

function notDeclared(pristine: Notebook, check: Cell, name: string): LabError {
  const before = pristine.cells.slice(0, pristine.cells.indexOf(check)).filter(isCode);
  const declares = new RegExp(`\\b(?:const|let|var|function|class)\\b[^=(]*\\b${name.replaceAll("$", "\\$")}\\b`);
  const exercise = before.filter(isSolution).at(-1);
  const place = before.find((one) => declares.test(sourceOf(one))) ?? exercise;
  const run = place && !isSolution(place) ? "run the cells above, from the top" : "";
  const declare = `declare ${name} in the cell of the exercise "${(place ?? check).id}" and run that cell`;
  return new LabError(
    "BAD_ARGUMENT",
    `the check of the exercise "${exercise?.id ?? check.id}" is given ${name}, and no cell that ran to its end has declared it`,
    `${run || declare}, then this one again`,
  );
}
