import type * as TypeScript from "typescript";
import { type Found, found } from "./finding";
import { type Cell, isCode, isGraded, type Notebook, sourceOf } from "./model";

/** Names of the language that a check's body may use besides its own and those it is given. */
const LANGUAGE = new Set(
  (
    "undefined NaN Infinity Math JSON Object Array Number String Boolean BigInt Symbol Date RegExp Error TypeError RangeError " +
    "Map Set WeakMap WeakSet Promise Uint8Array DataView ArrayBuffer Buffer TextEncoder TextDecoder Intl parseInt parseFloat " +
    "isNaN isFinite encodeURIComponent decodeURIComponent structuredClone crypto"
  ).split(" "),
);

const SLEEPS = new Set(["setTimeout", "setInterval", "setImmediate", "sleep"]);

/** Rules that read code: check bodies use only `t` and what they are given by name; no cell sleeps. */
export function lintChecks(notebook: Notebook): Found[] {
  const code = notebook.cells.filter(isCode);
  if (!code.length) return [];
  // Loaded at first use: the compiler takes a third of a second, and only lint needs it.
  const ts = require("typescript") as typeof TypeScript;
  return code.flatMap((cell) => {
    const { file, checker } = parse(ts, sourceOf(cell));
    return [
      ...sleeps(ts, file, cell),
      ...(isGraded(cell) ? check(ts, file, checker, cell) : strayCheck(ts, file, cell)),
    ];
  });
}

/** One cell as a module of its own: names of other cells stay unresolved, which is what a check must not use. */
function parse(
  ts: typeof TypeScript,
  source: string,
): { file: TypeScript.SourceFile; checker: TypeScript.TypeChecker } {
  const file = ts.createSourceFile("cell.ts", `${source}\nexport {};`, ts.ScriptTarget.ES2022, true);
  const host: TypeScript.CompilerHost = {
    getSourceFile: (name) => (name === "cell.ts" ? file : undefined),
    getDefaultLibFileName: () => "lib.d.ts",
    writeFile: () => undefined,
    getCurrentDirectory: () => "",
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => "\n",
    fileExists: (name) => name === "cell.ts",
    readFile: () => undefined,
  };
  const options = { noLib: true, noResolve: true, target: ts.ScriptTarget.ES2022, types: [] };
  return { file, checker: ts.createProgram(["cell.ts"], options, host).getTypeChecker() };
}

function sleeps(ts: typeof TypeScript, file: TypeScript.SourceFile, cell: Cell): Found[] {
  const all: Found[] = [];
  visit(ts, file, (node) => {
    const name = ts.isCallExpression(node) ? called(ts, node) : undefined;
    if (name && SLEEPS.has(name))
      all.push(found(cell, "sleep", `${name}: wait for the event that makes the statement true`));
    if (ts.isImportDeclaration(node) && /timers/.test(node.moduleSpecifier.getText())) {
      all.push(found(cell, "sleep", "a timer: wait for the event that makes the statement true"));
    }
  });
  return all;
}

const called = (ts: typeof TypeScript, call: TypeScript.CallExpression): string | undefined => {
  if (ts.isIdentifier(call.expression)) return call.expression.text;
  const bare =
    ts.isPropertyAccessExpression(call.expression) &&
    /^(globalThis|global|window)$/.test(call.expression.expression.getText());
  return bare ? (call.expression as TypeScript.PropertyAccessExpression).name.text : undefined;
};

function checkCalls(ts: typeof TypeScript, file: TypeScript.SourceFile): TypeScript.CallExpression[] {
  const calls: TypeScript.CallExpression[] = [];
  visit(ts, file, (node) => {
    if (
      ts.isCallExpression(node) &&
      ts.isPropertyAccessExpression(node.expression) &&
      node.expression.getText() === "lab.check"
    )
      calls.push(node);
  });
  return calls;
}

const strayCheck = (ts: typeof TypeScript, file: TypeScript.SourceFile, cell: Cell): Found[] =>
  checkCalls(ts, file).length ? [found(cell, "check", "lab.check outside of a graded cell")] : [];

function check(
  ts: typeof TypeScript,
  file: TypeScript.SourceFile,
  checker: TypeScript.TypeChecker,
  cell: Cell,
): Found[] {
  const calls = checkCalls(ts, file);
  const [call] = calls;
  if (!call || calls.length > 1) return [found(cell, "check", "a graded cell has one lab.check")];
  const [id, given, body] = call.arguments;
  const all: Found[] = [];
  const say = (message: string) => void all.push(found(cell, "check", message));
  if (!id || !ts.isStringLiteralLike(id) || id.text !== cell.id)
    say(`the first argument is the cell's id, "${cell.id}"`);
  if (!given || !ts.isObjectLiteralExpression(given)) say("the second argument is an object of what the body is given");
  if (!body || !(ts.isArrowFunction(body) || ts.isFunctionExpression(body))) {
    say("the third argument is the body, written where it stands");
    return all;
  }
  const names =
    given && ts.isObjectLiteralExpression(given) ? given.properties.map((one) => one.name?.getText() ?? "...") : [];
  if (names.includes("...")) say("what the body is given is named one by one, without a spread");
  for (const name of takes(ts, body)) if (!names.includes(name)) say(`the body takes "${name}", which it is not given`);
  for (const name of free(ts, body, checker)) say(`the body uses "${name}", which is neither its own nor given`);
  return all;
}

/** Names that the body's second parameter takes out of what it is given. */
function takes(ts: typeof TypeScript, body: TypeScript.ArrowFunction | TypeScript.FunctionExpression): string[] {
  const pattern = body.parameters[1]?.name;
  if (!pattern || !ts.isObjectBindingPattern(pattern)) return [];
  return pattern.elements.map((one) => (one.propertyName ?? one.name).getText());
}

/** Identifiers of the body that mean something declared outside of it. */
function free(ts: typeof TypeScript, body: TypeScript.Node, checker: TypeScript.TypeChecker): Set<string> {
  const names = new Set<string>();
  visit(ts, body, (node) => {
    if (node.kind === ts.SyntaxKind.ImportKeyword) names.add("import");
    if (node.kind === ts.SyntaxKind.ThisKeyword) names.add("this");
    if (!ts.isIdentifier(node) || !isUse(ts, node)) return;
    const symbol = ts.isShorthandPropertyAssignment(node.parent)
      ? checker.getShorthandAssignmentValueSymbol(node.parent)
      : checker.getSymbolAtLocation(node);
    const home = symbol?.declarations?.[0];
    const inside =
      home && home.getSourceFile() === body.getSourceFile() && home.pos >= body.pos && home.end <= body.end;
    if (!inside && !LANGUAGE.has(node.text)) names.add(node.text);
  });
  return names;
}

/** Whether an identifier stands for a value: not a property's name, a label, a type. */
function isUse(ts: typeof TypeScript, node: TypeScript.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent)) return parent.name !== node;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  if (ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent)) return false;
  for (let up: TypeScript.Node = node; up; up = up.parent) {
    if (ts.isTypeNode(up)) return false;
    if (ts.isStatement(up)) break;
  }
  return true;
}

function visit(ts: typeof TypeScript, node: TypeScript.Node, each: (node: TypeScript.Node) => void): void {
  each(node);
  ts.forEachChild(node, (child) => visit(ts, child, each));
}
