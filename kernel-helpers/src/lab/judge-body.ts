import { compileFunction } from "node:vm";
import { LabError } from "../core/errors";
import type { CheckBody } from "./run-check";

/**
 * The body of a check, taken from its cell in the pristine notebook: the third argument of `lab.check(id, given, body)`,
 * as JavaScript. It uses only `t` and what it is given (a lint rule), so it needs nothing of the cell.
 *
 * @throws LabError NOTEBOOK_INVALID when the cell has no such call, or more than one.
 */
export function checkCode(source: string, id: string): string {
  // TypeScript takes a third of a second to load: whoever grades many submissions pays it once.
  const ts = require("typescript") as typeof import("typescript");
  const file = ts.createSourceFile("check.ts", source, ts.ScriptTarget.ES2022, true);
  const bodies: string[] = [];
  const visit = (node: import("typescript").Node): void => {
    if (ts.isCallExpression(node) && isCheck(ts, node, id)) bodies.push(node.arguments[2]!.getText(file));
    ts.forEachChild(node, visit);
  };
  visit(file);
  const [body, ...more] = bodies;
  if (body === undefined || more.length) {
    throw new LabError(
      "NOTEBOOK_INVALID",
      `the check cell "${id}" has ${bodies.length} calls of lab.check("${id}", given, body)`,
      "a check cell has exactly one, under its own id",
    );
  }
  const { outputText } = ts.transpileModule(`(${body})`, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.None },
  });
  return outputText.replace(/^"use strict";\s*/, "");
}

/** What `checkCode` made, ready to be run here. */
export function bodyOf(code: string, id: string): CheckBody<Record<string, unknown>> {
  return compileFunction(`return ${code}`, [], { filename: `check ${id}` })() as CheckBody<Record<string, unknown>>;
}

/** The body of a check, from its cell's text. @throws LabError as `checkCode`. */
export const checkBody = (source: string, id: string): CheckBody<Record<string, unknown>> =>
  bodyOf(checkCode(source, id), id);

function isCheck(ts: typeof import("typescript"), call: import("typescript").CallExpression, id: string): boolean {
  const [name, , body] = call.arguments;
  return (
    ts.isPropertyAccessExpression(call.expression) &&
    call.expression.name.text === "check" &&
    name !== undefined &&
    ts.isStringLiteralLike(name) &&
    name.text === id &&
    body !== undefined
  );
}
