import { fork } from "node:child_process";
import { LabError } from "../core/errors";

/** A cell to compile. `variants` are other texts for it: each is compiled where it stands, and the cells after it once more, up to `until`. */
export interface TypedCell {
  readonly id: string;
  readonly source: string;
  readonly variants?: readonly { readonly name: string; readonly source: string }[];
  /** With variants: how many of the following cells see them (up to its check). */
  readonly follow?: number;
}

export interface TypedNotebook {
  readonly name: string;
  readonly cells: readonly TypedCell[];
}

export interface TypeFinding {
  readonly notebook: string;
  readonly cell: string;
  /** Which variant of a cell, or "". */
  readonly variant: string;
  /** Line in the cell, from 1. */
  readonly line: number;
  readonly message: string;
}

/**
 * Compiles every cell of notebooks as the kernel would, in order, and runs none: tslab's own converter under its own
 * TypeScript, which carries declarations from cell to cell. In a process of its own, as the compiler reads the current
 * folder once and for all.
 * @param folder where the notebooks lie: imports resolve from there.
 */
export function typecheck(notebooks: readonly TypedNotebook[], folder: string): Promise<TypeFinding[]> {
  return new Promise((resolve, reject) => {
    const child = fork(__filename, ["--typecheck"], {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      serialization: "advanced",
    });
    let stderr = "";
    let answer: TypeFinding[] | undefined;
    child.stderr?.on("data", (chunk) => {
      stderr += chunk;
    });
    child.once("error", reject);
    child.once("message", (message) => {
      answer = message as TypeFinding[];
    });
    child.once("close", (code) => {
      if (answer) return resolve(answer);
      const why = stderr.trim().split("\n").slice(-8).join("\n");
      reject(
        new LabError(
          "SETUP_FAILED",
          `the cells' compiler ended with code ${code}\n${why}`,
          "npm test -- kernel shows whether the kernel itself works",
        ),
      );
    });
    child.send(notebooks);
  });
}

/** In the child. */
function answer(notebooks: readonly TypedNotebook[]): TypeFinding[] {
  const { loadTypeScript, requireOfTslab } = require("./typescript") as typeof import("./typescript");
  const { maps } = loadTypeScript();
  const { createConverter } = requireOfTslab("./converter.js") as typeof import("tslab/dist/converter");
  const converter = createConverter({ isJS: false, isBrowser: false });
  try {
    return notebooks.flatMap((notebook) =>
      notebookFindings(notebook, (declared, source) => {
        const { diagnostics, declOutput } = converter.convert(declared, source);
        maps.clear();
        const errors = diagnostics.filter((one) => one.category === 1);
        return { errors, declared: errors.length ? declared : (declOutput ?? declared) };
      }),
    );
  } finally {
    converter.close();
  }
}

type Compile = (
  declared: string,
  source: string,
) => { errors: { start: { line: number }; messageText: string }[]; declared: string };

function notebookFindings(notebook: TypedNotebook, compile: Compile): TypeFinding[] {
  const all: TypeFinding[] = [];
  let declared = "";
  notebook.cells.forEach((cell, i) => {
    const run = (one: TypedCell, before: string, source: string, variant: string): string => {
      const result = compile(before, source);
      for (const error of result.errors) {
        all.push({
          notebook: notebook.name,
          cell: one.id,
          variant,
          line: error.start.line + 1,
          message: error.messageText,
        });
      }
      return result.declared;
    };
    const before = declared;
    declared = run(cell, before, cell.source, "");
    for (const variant of cell.variants ?? []) {
      let after = run(cell, before, variant.source, variant.name);
      for (const next of notebook.cells.slice(i + 1, i + 1 + (cell.follow ?? 0)))
        after = run(next, after, next.source, variant.name);
    }
  });
  return all;
}

if (require.main === module && process.argv[2] === "--typecheck") {
  process.once("message", (notebooks) => {
    process.send?.(answer(notebooks as TypedNotebook[]), undefined, undefined, () => process.exit(0));
  });
}
