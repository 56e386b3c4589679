import { builtinModules, createRequire } from "node:module";
import { dirname, join } from "node:path";
import type * as tsModule from "@tslab/typescript-for-tslab";
import { courseRoot } from "../core/paths";
import { cellPrograms } from "./cell-programs";
import { mendPrograms } from "./mend-programs";
import type { MapChain } from "./source-maps";

export type TypeScript = typeof tsModule;

/** Source maps from emitted JavaScript to the cell's text, by the emitted text. Whoever reads one takes it out. */
export type EmittedMaps = Map<string, MapChain>;

/** The folder of the pinned tslab package. */
export const tslabFolder = dirname(createRequire(join(courseRoot, "package.json")).resolve("tslab/package.json"));

/** `require` as tslab's own modules see it. */
export const requireOfTslab = createRequire(join(tslabFolder, "dist", "main.js"));

const INLINE_MAP = /\n\/\/# sourceMappingURL=data:application\/json;base64,([A-Za-z0-9+/=]+)\s*$/;

/** Brings a watched file's change to the compiler, when the file changed. */
export type Refresh = () => void;

/**
 * Loads tslab's TypeScript and puts a copy of its module object, with a few functions replaced, where tslab's modules
 * will look for it. The package on disk and the compiler itself stay as they are. What is replaced, and why:
 *
 * - createWatchCompilerHost: only the types of Node (every package below @types would be parsed at start), from the
 *   course's folder; source maps; the ES module rules for await; imports that the notebook's folder can't resolve are
 *   resolved from the course's folder.
 * - the programs that it makes: without the bookkeeping of watch mode (see cell-programs.ts), and two faults are mended
 *   (see mend-programs.ts).
 * - transpileModule: keeps the source maps of tslab's two steps.
 * - sys.watchFile, sys.watchDirectory: files are looked at before each cell (`refresh`) and not watched in between; a
 *   change that arrives in the midst of a cell would find tslab's only timer taken.
 */
export function loadTypeScript(): { ts: TypeScript; maps: EmittedMaps; refresh: Refresh } {
  const id = requireOfTslab.resolve("@tslab/typescript-for-tslab");
  const original = requireOfTslab(id) as TypeScript;
  const maps: EmittedMaps = new Map();
  const refresh = watchOnDemand(original);
  const facade = {
    ...original,
    // tslab's __importStar would copy the two thousand names once for each of its modules.
    __esModule: true,
    createWatchCompilerHost: hostMaker(original),
    transpileModule: transpilerWithMaps(original, maps),
  };
  requireOfTslab.cache[id]!.exports = facade;
  return { ts: facade as unknown as TypeScript, maps, refresh };
}

type HostMaker = (
  files: string[],
  options: tsModule.CompilerOptions,
  ...rest: unknown[]
) => tsModule.WatchCompilerHostOfFilesAndCompilerOptions<tsModule.BuilderProgram>;

function hostMaker(ts: TypeScript): HostMaker {
  return (files, options, ...rest) => {
    const compilerOptions: tsModule.CompilerOptions = {
      ...options,
      types: ["node"],
      typeRoots: [join(courseRoot, "node_modules", "@types")],
      disableTopLevelAwait: false,
      inlineSourceMap: true,
      inlineSources: true,
    };
    const host = (ts.createWatchCompilerHost as HostMaker)(files, compilerOptions, ...rest);
    resolveFromCourseToo(ts, host);
    readWithoutManuals(host);
    host.createProgram = cellPrograms(ts);
    mendPrograms(ts, host);
    return host;
  };
}

function resolveFromCourseToo(ts: TypeScript, host: ReturnType<HostMaker>): void {
  const cache = ts.createModuleResolutionCache(host.getCurrentDirectory(), (name) => name);
  const courseFile = join(courseRoot, "any.ts");
  // Every cell imports again what the cells before it did; a package stays where it was found.
  const packages = new Map<string, tsModule.ResolvedModuleWithFailedLookupLocations>();
  host.getModuleResolutionCache = () => cache;
  host.hasInvalidatedResolutions = isLocal;
  host.resolveModuleNameLiterals = (literals, containingFile, redirected, options) =>
    literals.map(({ text }) => {
      // These are declared by Node's types, not found in a folder; looking for them there takes a tenth of the start.
      if (text.startsWith("node:") || (builtins.has(text) && containingFile.includes("/@types/node/")))
        return UNRESOLVED;
      if (!isLocal(containingFile)) return ts.resolveModuleName(text, containingFile, options, host, cache, redirected);
      const relative = ts.isExternalModuleNameRelative(text);
      const key = `${dirname(containingFile)}\0${text}`;
      const known = packages.get(key);
      if (known) return known;
      let found = ts.resolveModuleName(text, containingFile, options, host, undefined, redirected);
      if (!found.resolvedModule && !relative) {
        found = ts.resolveModuleName(text, courseFile, options, host, undefined, redirected);
      }
      if (!relative && found.resolvedModule && !isLocal(found.resolvedModule.resolvedFileName))
        packages.set(key, found);
      return found;
    });
}

const builtins = new Set(builtinModules);
const UNRESOLVED: tsModule.ResolvedModuleWithFailedLookupLocations = { resolvedModule: undefined };

/** Files whose comments are the manual of Node or JavaScript: two thirds of what would have to be parsed at start. */
const MANUALS = /\/@types\/node\/|\/typescript-for-tslab\/lib\/lib\./;
const BLOCK_COMMENT = /^[ \t]*\/\*\*[\s\S]*?\*\//gm;

/** Takes the comments out of Node's and JavaScript's own declarations: a quarter of the kernel's start. */
function readWithoutManuals(host: ReturnType<HostMaker>): void {
  const { readFile } = host;
  host.readFile = (path, encoding) => {
    const text = readFile(path, encoding);
    return MANUALS.test(path) ? text?.replace(BLOCK_COMMENT, "") : text;
  };
}

function transpilerWithMaps(ts: TypeScript, maps: EmittedMaps): TypeScript["transpileModule"] {
  return (input, { compilerOptions, ...options }) => {
    const inline = INLINE_MAP.exec(input);
    if (!inline) return ts.transpileModule(input, { compilerOptions, ...options });
    const text = input.slice(0, inline.index + 1);
    const result = ts.transpileModule(text, { ...options, compilerOptions: { ...compilerOptions, sourceMap: true } });
    const outputText = result.outputText.replace(/\/\/# sourceMappingURL=\S*\s*$/, "");
    maps.set(outputText, [result.sourceMapText!, Buffer.from(inline[1]!, "base64").toString()]);
    return { ...result, outputText };
  };
}

/** Replaces the watching of files by a look at them on demand. */
function watchOnDemand(ts: TypeScript): Refresh {
  interface Watched {
    time: number | undefined;
    readonly changed: tsModule.FileWatcherCallback;
  }
  const watched = new Map<string, Watched>();
  const timeOf = (path: string): number | undefined => ts.sys.getModifiedTime!(path)?.getTime();
  ts.sys.watchFile = (path, changed) => {
    // What is installed doesn't change under a running kernel; a rebuilt helper package would run its old code anyway.
    if (!isLocal(path)) return { close: () => {} };
    watched.set(path, { time: timeOf(path), changed });
    return { close: () => watched.delete(path) };
  };
  ts.sys.watchDirectory = () => ({ close: () => {} });
  return () => {
    for (const [path, file] of watched) {
      const time = timeOf(path);
      if (time === file.time) continue;
      const kind =
        time === undefined
          ? ts.FileWatcherEventKind.Deleted
          : file.time === undefined
            ? ts.FileWatcherEventKind.Created
            : ts.FileWatcherEventKind.Changed;
      file.time = time;
      file.changed(path, kind);
    }
  };
}

/** Whether a file lies in the notebook's folder: only such files change, gain or lose imports while the kernel runs. */
const notebookFolder = `${process.cwd().replaceAll("\\", "/")}/`;
const isLocal = (path: string): boolean => path.startsWith(notebookFolder) && !path.includes("/node_modules/");
