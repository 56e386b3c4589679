import type * as tsModule from "@tslab/typescript-for-tslab";

/** The file in which tslab declares to a cell what earlier cells declared. */
const EARLIER_CELLS = "__prev__.d.ts";

/**
 * Mends two things in each program that tslab's compiler makes of a cell:
 *
 * - tslab turns names of earlier cells into properties of its `exports`, but not in a shorthand: it asks for the symbol
 *   at that place, which is the new property's, and leaves `{ broker }` to fail as an unknown name. So shorthands of
 *   such names are written out before tslab looks.
 * - A cell in which TypeScript parses an `await (` for the second time is a new file that remembers the first try, which
 *   never got a path; the compiler asks that one where it lies, and fails with "Paths must either both be absolute …".
 */
export function mendPrograms(
  ts: typeof tsModule,
  host: { afterProgramCreate?: (program: tsModule.BuilderProgram) => void },
): void {
  let created = host.afterProgramCreate;
  // tslab assigns its own function after it made the host.
  Object.defineProperty(host, "afterProgramCreate", {
    set: (given) => {
      created = given;
    },
    get: () => (program: tsModule.BuilderProgram) => {
      for (const file of program.getSourceFiles()) forgetFirstTry(file);
      const { emit } = program;
      const before = shorthandWriter(ts, () => program.getProgram().getTypeChecker());
      program.emit = (file, write, token, onlyDeclarations, own) =>
        emit.call(program, file, write, token, onlyDeclarations, { ...own, before: [before, ...(own?.before ?? [])] });
      created?.(program);
    },
  });
}

function forgetFirstTry(file: tsModule.SourceFile & { original?: tsModule.Node }): void {
  if (file.original) file.original = undefined;
}

function shorthandWriter(
  ts: typeof tsModule,
  checker: () => tsModule.TypeChecker,
): tsModule.TransformerFactory<tsModule.SourceFile> {
  return (context) => (file) => {
    const isEarlier = (node: tsModule.ShorthandPropertyAssignment): boolean =>
      (checker().getShorthandAssignmentValueSymbol(node)?.declarations ?? []).some((one) =>
        one.getSourceFile().fileName.endsWith(EARLIER_CELLS),
      );
    const visit = (node: tsModule.Node): tsModule.Node => {
      const inner = ts.visitEachChild(node, visit, context);
      if (!ts.isShorthandPropertyAssignment(node) || !isEarlier(node)) return inner;
      const { name, objectAssignmentInitializer } = inner as tsModule.ShorthandPropertyAssignment;
      const { factory } = context;
      const value = factory.createPropertyAccessExpression(factory.createIdentifier("exports"), name.text);
      const written = objectAssignmentInitializer
        ? factory.createAssignment(value, objectAssignmentInitializer)
        : value;
      return ts.setTextRange(factory.createPropertyAssignment(name.text, ts.setTextRange(written, node)), node);
    };
    return ts.visitNode(file, visit) as tsModule.SourceFile;
  };
}
