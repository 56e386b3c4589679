import { readFileSync } from "node:fs";
import Module from "node:module";
import { join, relative } from "node:path";
import type { CompletionInfo, Converter, ConvertResult, Diagnostic } from "tslab/dist/converter";
import type { Executor } from "tslab/dist/executor";
import { courseRoot } from "../core/paths";
import { hasTopLevelAwait } from "./await";
import { type Script, script } from "./source-maps";
import { loadTypeScript, requireOfTslab, type TypeScript, tslabFolder } from "./typescript";

/** How a cell ended. */
export type CellOutcome =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "nothing" }
  | { readonly kind: "diagnostics"; readonly diagnostics: readonly Diagnostic[] }
  | { readonly kind: "thrown"; readonly error: unknown };

/** Data of an output, as tslab's own `display` hands it over. */
export interface TslabDisplay {
  readonly data: Record<string, string>;
  readonly metadata: Record<string, unknown>;
  readonly transient: { readonly display_id?: string };
}

/** The unmodified tslab, driven from outside: its converter compiles the cells, its executor runs them. */
export interface Tslab {
  readonly ts: TypeScript;
  /** Runs a cell; `url` names it in stack traces, `label` for people. Never rejects for what the cell did. */
  execute(cell: { code: string; url: string; label: string }): Promise<CellOutcome>;
  /** Ends the wait for a cell that awaits. */
  interrupt(): void;
  complete(code: string, offset: number): CompletionInfo;
  /** What is at `offset`, as text; undefined for nothing. */
  inspect(code: string, offset: number): string | undefined;
  /** The values that cells declared, by name. */
  readonly locals: Record<string, unknown>;
  /** Scripts by the name that stack traces give them. */
  readonly scripts: ReadonlyMap<string, Script>;
  /** Takes the outputs of `import { display } from "tslab"`. */
  onDisplay(show: (display: TslabDisplay, update: boolean) => void): void;
}

/** The text that tslab puts around a cell's JavaScript; V8 counts its columns on the first line. */
const WRAPPER = { plain: "(function(exports, require) { ", async: "(async function(exports, require) { " };

/** The versions that kernel_info tells, read without loading anything. */
export function versions(): { tslab: string; typescript: string } {
  const versionIn = (file: string): string => (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
  return {
    tslab: versionIn(join(tslabFolder, "package.json")),
    typescript: versionIn(requireOfTslab.resolve("@tslab/typescript-for-tslab/package.json")),
  };
}

/**
 * Starts tslab in this process for cells in the current folder.
 *
 * @param options.undisturbed calls what uses the compiler, whose state a termination would spoil.
 */
export function startTslab(options: { undisturbed: <Result>(act: () => Result) => Result }): Tslab {
  const { ts, maps, refresh } = loadTypeScript();
  const { createConverter } = requireOfTslab("./converter.js") as typeof import("tslab/dist/converter");
  const { createExecutor } = requireOfTslab("./executor.js") as typeof import("tslab/dist/executor");
  const scripts = new Map<string, Script>();
  let current: { code: string; url: string; label: string } | undefined;
  let diagnostics: readonly Diagnostic[] = [];
  let outcome: CellOutcome = { kind: "nothing" };

  const guarded = <Result>(use: () => Result): Result =>
    options.undisturbed(() => {
      try {
        return use();
      } finally {
        maps.clear();
      }
    });

  const converter = guarded(() => createConverter({ isJS: false, isBrowser: false }));

  /** Compiles the current cell and remembers how to find the way back from its JavaScript. */
  function convert(previous: string, code: string): ConvertResult {
    return guarded(() => {
      refresh();
      const result = converter.convert(previous, code);
      diagnostics = result.diagnostics;
      for (const { path, data } of result.sideOutputs ?? []) registerFile(path, data);
      if (result.output === undefined || !current) return result;
      const hasToplevelAwait = hasTopLevelAwait(ts, code);
      const emittedColumns = WRAPPER[hasToplevelAwait ? "async" : "plain"].length;
      const chain = maps.get(result.output) ?? [];
      scripts.set(current.url, script(current.label, code, chain, { emittedColumns, sourceLines: 1 }));
      const output = `${result.output}\n//# sourceURL=${current.url}`;
      let asked = 0;
      return {
        ...result,
        output,
        // tslab asks for it before it runs the cell, and once more between the cell's first lines and its wait for the rest.
        get hasToplevelAwait() {
          if (++asked === 2) lendSoundPromise();
          return hasToplevelAwait;
        },
      };
    });
  }

  /** A TypeScript file beside the notebook, or a cell that declared itself a module. */
  function registerFile(path: string, emitted: string): void {
    const chain = maps.get(emitted) ?? [];
    const [source = ""] = chain.length
      ? (JSON.parse(chain.at(-1)!) as { sourcesContent: string[] }).sourcesContent
      : [];
    const label = relative(process.cwd(), path).replace(/\.js$/, ".ts");
    scripts.set(path, script(label, source, chain, { emittedColumns: 0, sourceLines: 0 }));
  }

  const wrapped: Converter = {
    ...converter,
    convert,
    addModule: (name, content, meta) => {
      diagnostics = guarded(() => converter.addModule(name, content, meta));
      return diagnostics as Diagnostic[];
    },
  };
  const executor = createExecutor(
    process.cwd(),
    { node: wrapped, browser: wrapped, close: () => wrapped.close() },
    {
      // tslab tells an outcome by what it logs: the last expression's value, or what was thrown.
      log: (value) => {
        outcome = { kind: "value", value };
      },
      error: (error) => {
        outcome = { kind: "thrown", error };
      },
    },
  );
  requireFromCourseToo();

  return {
    ts,
    scripts,
    locals: executor.locals,
    async execute(cell) {
      current = cell;
      outcome = { kind: "nothing" };
      diagnostics = [];
      const ended = await executor.execute(cell.code);
      if (diagnostics.length > 0) return { kind: "diagnostics", diagnostics };
      if (!ended && outcome.kind === "nothing") return { kind: "thrown", error: undefined };
      return outcome;
    },
    interrupt: () => executor.interrupt(),
    complete: (code, offset) => guarded(() => executor.complete(code, offset)),
    inspect: (code, offset) => guarded(() => quickInfo(executor, code, offset)),
    onDisplay(show) {
      // tslab's `display` reads this variable of its module; there is no other door.
      const jupyter = requireOfTslab("./jupyter.js") as { lastWriteDisplayData: unknown };
      jupyter.lastWriteDisplayData = show;
    },
  };
}

/** What tslab's `await Promise.race([…])` comes by, as it was before any cell. */
const SOUND_PROMISE = (
  [
    [globalThis, "Promise"],
    [Promise, "race"],
    [Promise, "resolve"],
    [Promise.prototype, "then"],
    [Promise.prototype, "constructor"],
    [Array.prototype, Symbol.iterator],
  ] as [object, PropertyKey][]
).map(([holder, key]) => ({ holder, key, slot: Object.getOwnPropertyDescriptor(holder, key)! }));
const { defineProperty, getOwnPropertyDescriptor } = Object;
const { queueMicrotask } = globalThis;

/** Until the end of this turn: a cell whose first line replaced `then` would never end, and no cell after it. */
function lendSoundPromise(): void {
  for (let i = 0; i < SOUND_PROMISE.length; i++) {
    const { holder, key, slot } = SOUND_PROMISE[i]!;
    const now = getOwnPropertyDescriptor(holder, key);
    if (now?.value === slot.value || now?.configurable === false) continue;
    defineProperty(holder, key, slot);
    queueMicrotask(() => (now ? defineProperty(holder, key, now) : Reflect.deleteProperty(holder, key)));
  }
}

function quickInfo(executor: Executor, code: string, offset: number): string | undefined {
  const info = executor.inspect(code, offset);
  if (!info) return undefined;
  const { printQuickInfo } = requireOfTslab("./inspect.js") as typeof import("tslab/dist/inspect");
  return printQuickInfo(info);
}

/** Lets cells of a notebook outside of the course load what the course has installed, as a last resort. */
function requireFromCourseToo(): void {
  const before = process.env.NODE_PATH;
  process.env.NODE_PATH = [before, join(courseRoot, "node_modules")]
    .filter(Boolean)
    .join(process.platform === "win32" ? ";" : ":");
  // The only way to extend Node's list of last resorts; it reads the variable once, so it can be put back for children.
  (Module as unknown as { _initPaths(): void })._initPaths();
  if (before === undefined) delete process.env.NODE_PATH;
  else process.env.NODE_PATH = before;
}
