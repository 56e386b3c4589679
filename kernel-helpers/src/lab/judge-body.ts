import { compileFunction } from "node:vm";
import { LabError } from "../core/errors";
import type { CheckBody } from "./run-check";

/** A check's cell in two parts, for a judge and a kernel that are apart. */
export interface CheckTexts {
  /** The cell without the body: what a graded kernel runs. */
  readonly call: string;
  /** The body, as JavaScript: what the judge runs. */
  readonly body: string;
}

/** What stands for a body that the judge has. */
const NO_BODY = "() => undefined";

/**
 * A check, taken from its cell in the pristine notebook: the body is the third argument of `lab.check(id, given, body)`.
 * It uses only `t` and what it is given (a lint rule), so it needs nothing of the cell. The call without it compiles
 * also where types of an answer's own would not fit the body: the verdict is made by values.
 *
 * @throws LabError NOTEBOOK_INVALID when the cell has no such call, or more than one.
 */
export function checkTexts(source: string, id: string): CheckTexts {
  // TypeScript takes a third of a second to load: whoever grades many submissions pays it once.
  const ts = require("typescript") as typeof import("typescript");
  const file = ts.createSourceFile("check.ts", source, ts.ScriptTarget.ES2022, true);
  const found: import("typescript").Expression[] = [];
  const visit = (node: import("typescript").Node): void => {
    if (ts.isCallExpression(node) && isCheck(ts, node, id)) found.push(node.arguments[2]!);
    ts.forEachChild(node, visit);
  };
  visit(file);
  const [body, ...more] = found;
  if (body === undefined || more.length) {
    throw new LabError(
      "NOTEBOOK_INVALID",
      `the check cell "${id}" has ${found.length} calls of lab.check("${id}", given, body)`,
      "a check cell has exactly one, under its own id",
    );
  }
  const { outputText } = ts.transpileModule(`(${body.getText(file)})`, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.None },
  });
  return {
    call: source.slice(0, body.getStart(file)) + NO_BODY + source.slice(body.end),
    body: outputText.replace(/^"use strict";\s*/, ""),
  };
}

/** Whether a text is the call of this check's cell. */
export function isCallOf(call: string, source: string): boolean {
  const at = call.lastIndexOf(NO_BODY);
  if (at < 0 || call.length > source.length) return false;
  return source.startsWith(call.slice(0, at)) && source.endsWith(call.slice(at + NO_BODY.length));
}

/** A body of `checkTexts`, ready to be run here. */
export function bodyOf(code: string, id: string): CheckBody<Record<string, unknown>> {
  return compileFunction(`return ${code}`, [], { filename: `check ${id}` })() as CheckBody<Record<string, unknown>>;
}

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
