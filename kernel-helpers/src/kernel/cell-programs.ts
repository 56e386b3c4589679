import type * as tsModule from "@tslab/typescript-for-tslab";

/** Of TypeScript's own, what its declarations leave out. */
interface Inner {
  bindSourceFile(file: tsModule.SourceFile, options: tsModule.CompilerOptions): void;
}

interface File extends tsModule.SourceFile {
  readonly imports?: readonly tsModule.StringLiteralLike[];
  /** `declare global` and `declare module` among its statements. */
  readonly moduleAugmentations?: readonly tsModule.Node[];
  readonly resolvedModules?: {
    get(name: string, mode: tsModule.ResolutionMode): { resolvedModule?: tsModule.ResolvedModule } | undefined;
  };
}

/**
 * Programs without the bookkeeping of tsc's watch mode. tslab makes two of each cell: from the first it takes only the
 * names that the cell declares, and of neither does it ask which other files a change reaches. TypeScript's builder
 * computes that at once for each of the two, for all hundred and fifty files, and makes a type checker for it. Without
 * it a cell costs about two thirds.
 */
export function cellPrograms(ts: typeof tsModule): tsModule.CreateProgram<tsModule.BuilderProgram> {
  const { bindSourceFile } = ts as unknown as Inner;
  return (roots, options, host, old, errors, references) => {
    const builder = ts.createAbstractBuilder(roots, options, host, old, errors, references);
    const program = builder.getProgram();
    for (const root of program.getRootFileNames()) {
      const file = program.getSourceFile(root) as File | undefined;
      // tslab reads the names that a cell declares from where the binder puts them.
      if (file && file.locals === undefined) bindSourceFile(file, program.getCompilerOptions());
    }
    builder.getAllDependencies = (file) => dependenciesOf(ts, program, file);
    return builder;
  };
}

/** The file itself and all that it imports or refers to, and those in turn; every file where it declares globals. */
function dependenciesOf(ts: typeof tsModule, program: tsModule.Program, file: tsModule.SourceFile): string[] {
  const all = program.getSourceFiles();
  if (!ts.isExternalModule(file) || declaresGlobals(ts, file)) return all.map(({ fileName }) => fileName);
  const seen = new Set<tsModule.SourceFile>();
  const queue: (tsModule.SourceFile | undefined)[] = [file];
  while (queue.length) {
    const one = queue.pop();
    if (!one || seen.has(one)) continue;
    seen.add(one);
    queue.push(...importsOf(ts, program, one));
  }
  return [...seen].map(({ fileName }) => fileName);
}

const declaresGlobals = (ts: typeof tsModule, file: File): boolean =>
  file.moduleAugmentations?.some((name) => ts.isIdentifier(name)) ?? false;

function importsOf(ts: typeof tsModule, program: tsModule.Program, file: File): (tsModule.SourceFile | undefined)[] {
  const imported = (file.imports ?? []).map((name) => {
    const found = file.resolvedModules?.get(name.text, ts.getModeForUsageLocation(file, name));
    return found?.resolvedModule && program.getSourceFile(found.resolvedModule.resolvedFileName);
  });
  const folder = file.fileName.slice(0, file.fileName.lastIndexOf("/") + 1);
  const referred = file.referencedFiles.map(({ fileName }) =>
    program.getSourceFile(fileName.startsWith("/") || /^[A-Za-z]:/.test(fileName) ? fileName : folder + fileName),
  );
  return [...imported, ...referred];
}
