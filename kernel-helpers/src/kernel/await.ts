import type * as tsModule from "@tslab/typescript-for-tslab";
import type { TypeScript } from "./typescript";

/**
 * Whether a cell awaits outside of any function. tslab asks its compiler for this, which misses `for await` and
 * `await (`; the cell's syntax tree, parsed as the module that it is compiled as, knows.
 */
export function hasTopLevelAwait(ts: TypeScript, code: string): boolean {
  if (!code.includes("await")) return false;
  // The same first line that tslab gives every cell: in a module `await` is a keyword everywhere.
  const file = ts.createSourceFile("cell.ts", `export {};\n${code}`, ts.ScriptTarget.ES2022, false, ts.ScriptKind.TS);
  const awaits = (node: tsModule.Node): boolean => {
    if (ts.isAwaitExpression(node)) return true;
    if (ts.isForOfStatement(node) && node.awaitModifier) return true;
    // Of a function or method only the computed name runs out here.
    if (ts.isFunctionLike(node))
      return node.name !== undefined && ts.isComputedPropertyName(node.name) && awaits(node.name);
    return ts.forEachChild(node, (child) => awaits(child) || undefined) ?? false;
  };
  return awaits(file);
}
