import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, posix, relative, sep } from "node:path";
import { test } from "node:test";
import ts from "typescript";

const src = join(dirname(require.resolve("kernel-helpers/package.json")), "src");

/** From the ground up. A room is the first word of a path below src, without its ending. */
const floors = [
  ["core"],
  ["mqtt", "notebook", "views"],
  ["certs", "brokers"],
  ["kernel", "checks"],
  ["lab", "show", "index"],
  ["tools", "site"],
];

/** Heavy packages, and where alone their code may be loaded from. */
const homes: Record<string, RegExp> = {
  tslab: /^kernel\//,
  zeromq: /^kernel\//,
  dockerode: /^brokers\/docker/,
  execa: /^(brokers\/local|tools\/)/,
  "node-forge": /^certs\/authority/,
  "@peculiar/x509": /^certs\/authority/,
  "reflect-metadata": /^certs\/authority/,
  mqtt: /^mqtt\/client/,
  "mqtt-packet": /^mqtt\/codec/,
  vega: /^views\/chart/,
  "vega-lite": /^views\/chart/,
};

/** What will run in a page: no Node built-in, neither here nor in what it loads. */
const forPages = /^(mqtt\/(codec|explain)|views\/|checks\/(expect|judge|outcome|score)|brokers\/embedded\/core\/)/;

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typesOnly: boolean;
}

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .map((name) => name.split(sep).join("/"))
  .filter((name) => name.endsWith(".ts"));

const parsed = new Map(
  files.map((name) => [
    name,
    ts.createSourceFile(name, readFileSync(join(src, name), "utf8"), ts.ScriptTarget.ES2022, true),
  ]),
);

const imports = [...parsed].flatMap(([name, file]) => importsOf(name, file));

function importsOf(from: string, file: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      found.push({ from, to: node.moduleSpecifier.text, typesOnly: bindsTypesOnly(node.importClause) });
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
      const named = node.exportClause && ts.isNamedExports(node.exportClause) ? node.exportClause.elements : undefined;
      const typesOnly = node.isTypeOnly || (named?.length ? named.every((one) => one.isTypeOnly) : false);
      found.push({ from, to: node.moduleSpecifier.text, typesOnly });
    } else if (
      ts.isImportTypeNode(node) &&
      ts.isLiteralTypeNode(node.argument) &&
      ts.isStringLiteral(node.argument.literal)
    ) {
      found.push({ from, to: node.argument.literal.text, typesOnly: true });
    } else if (ts.isCallExpression(node) && isLoading(node)) {
      const [argument] = node.arguments;
      if (argument && ts.isStringLiteralLike(argument)) found.push({ from, to: argument.text, typesOnly: false });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function bindsTypesOnly(clause: ts.ImportClause | undefined): boolean {
  if (!clause) return false;
  if (clause.isTypeOnly) return true;
  const { namedBindings } = clause;
  if (clause.name || !namedBindings || !ts.isNamedImports(namedBindings)) return false;
  return namedBindings.elements.length > 0 && namedBindings.elements.every((one) => one.isTypeOnly);
}

/** import("x"), require("x"), require.resolve("x") */
function isLoading({ expression }: ts.CallExpression): boolean {
  if (expression.kind === ts.SyntaxKind.ImportKeyword) return true;
  return ts.isIdentifier(expression) && expression.text === "require";
}

const roomOf = (name: string): string => name.replace(/\.ts$/, "").split("/")[0]!;
const floorOf = (room: string): number => floors.findIndex((rooms) => rooms.includes(room));

/** A relative import as a file of src; undefined when it leads elsewhere. */
function target({ from, to }: Import): string | undefined {
  if (!to.startsWith(".")) return undefined;
  const path = posix.join(posix.dirname(from), to);
  return [`${path}.ts`, `${path}/index.ts`, path].find((name) => parsed.has(name));
}

const isBuiltin = (to: string): boolean => to.startsWith("node:") || builtinModules.includes(to);

const packageOf = (to: string): string =>
  to
    .split("/")
    .slice(0, to.startsWith("@") ? 2 : 1)
    .join("/");

test("there are sources, and every room has its floor", () => {
  assert.ok(files.length > 10, relative(process.cwd(), src));
  const homeless = [...new Set(files.map(roomOf))].filter((room) => floorOf(room) < 0);
  assert.deepEqual(homeless, []);
});

test("a floor imports from lower floors only; rooms of one floor share types only", () => {
  const wrong = imports.filter((one) => {
    const there = target(one);
    if (!there) return false;
    const [here, to] = [roomOf(one.from), roomOf(there)];
    if (here === to) return false;
    const [up, down] = [floorOf(here), floorOf(to)];
    if (down < up) return false;
    // The door opens onto its own floor.
    return !(down === up && (one.typesOnly || here === "index"));
  });
  assert.deepEqual(wrong, []);
});

test("each heavy dependency is loaded from its own room only", () => {
  const wrong = imports.filter(({ from, to, typesOnly }) => {
    const home = to.startsWith(".") || typesOnly ? undefined : homes[packageOf(to)];
    return home !== undefined && !home.test(from);
  });
  assert.deepEqual(wrong, []);
});

test("what will run in a page reaches no Node built-in", () => {
  const byFile = group(imports);
  const reached: string[] = [];
  for (const start of files.filter((name) => forPages.test(name))) {
    const seen = new Set<string>();
    const visit = (name: string, path: string[]): void => {
      if (seen.has(name)) return;
      seen.add(name);
      for (const one of byFile.get(name) ?? []) {
        if (one.typesOnly) continue;
        const next = target(one);
        if (next) visit(next, [...path, next]);
        else if (isBuiltin(one.to)) reached.push([...path, one.to].join(" -> "));
      }
    };
    visit(start, [start]);
  }
  assert.deepEqual(reached, []);
});

test("what will run in a page uses no global of Node's", () => {
  const nodeOnly = new Set(["Buffer", "process", "require", "__dirname", "__filename", "setImmediate", "NodeJS"]);
  const used = [...parsed]
    .filter(([name]) => forPages.test(name))
    .flatMap(([name, file]) => freeIdentifiers(file, nodeOnly).map((word) => `${name}: ${word}`));
  assert.deepEqual(used, []);
});

/** Names of the set that stand for themselves: not a property, not declared in the file, not asked for by typeof first. */
function freeIdentifiers(file: ts.SourceFile, names: ReadonlySet<string>): string[] {
  const found: string[] = [];
  const declared = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && names.has(node.text)) {
      const { parent } = node;
      const isProperty = ts.isPropertyAccessExpression(parent) && parent.name === node;
      if (ts.isTypeOfExpression(parent)) declared.add(node.text);
      const isName = "name" in parent && parent.name === node;
      if (isName && !isProperty) declared.add(node.text);
      else if (!isProperty) found.push(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found.filter((word) => !declared.has(word));
}

function group(all: readonly Import[]): Map<string, Import[]> {
  const groups = new Map<string, Import[]>();
  for (const one of all) groups.set(one.from, [...(groups.get(one.from) ?? []), one]);
  return groups;
}
