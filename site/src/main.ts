import { existsSync, statSync } from "node:fs";
import { relative, resolve } from "node:path";
import { LabError } from "kernel-helpers/dist/core/errors";
import { cachePath, courseRoot } from "kernel-helpers/dist/core/paths";
import { notebooksFolder } from "kernel-helpers/dist/lab/lesson-files";
import { type Built, build } from "./build";
import { ExecutionError, executedLabs, otherRuns } from "./executed";
import type { Solutions } from "./lesson";
import { OutputError, OutputFolder } from "./output-folder";
import { changes, curriculum, listedLabs, notebooksIn, otherRunsIn, type Source } from "./sources";

/** `npm run site`, as set-up has read its options; the bench names a cache of its own. */
export interface SiteCall {
  readonly options: Readonly<Record<string, string | true | undefined>>;
}

/** Builds the site. Resolves to the exit code: 0 all well, 1 something is not on the site as it should be. */
export async function main({ options }: SiteCall): Promise<number> {
  const from = text(options.from);
  const call: BuildCall = {
    from: from === undefined ? undefined : resolve(from),
    out: resolve(text(options.out) ?? resolve(courseRoot, "site", "dist")),
    solutions: (text(options.solutions) ?? "collapsed") as Solutions,
    execute: true,
    cacheFolder: text(options.cache),
  };
  const code = await buildOnce(call);
  return options.watch ? watchUntilStopped(call, text(options.port)) : code;
}

interface BuildCall {
  readonly from: string | undefined;
  readonly out: string;
  readonly solutions: Solutions;
  /** Whether labs that have not run as they are now are executed. */
  readonly execute: boolean;
  /** Where rendered notebooks are kept, when not in the course's cache. */
  readonly cacheFolder: string | undefined;
}

async function buildOnce({ from, out, solutions, execute, cacheFolder }: BuildCall): Promise<number> {
  const started = performance.now();
  try {
    const listed = listedLabs();
    const sources = from === undefined ? await executedLabs(listed, console.log, { execute }) : sourcesIn(from);
    const others = from === undefined ? otherRuns(console.log) : otherRunsIn(from);
    if (!sources.length) {
      console.error(`npm run site: there is no notebook in ${from ?? "the course"}`);
      console.error("Try: npm run site -- --from FOLDER, with .ipynb files in it");
      return 1;
    }
    const folder = new OutputFolder(out);
    const built = attempt(folder, () =>
      build(sources, folder, {
        solutions,
        listed,
        curriculum: curriculum(),
        others,
        cacheFolder,
        changes: changes(resolve(courseRoot, "site", "changes.json")),
        complain: (line) => console.error(line),
        progress,
      }),
    );
    return report(built, folder, performance.now() - started);
  } catch (error) {
    return refuse(error);
  }
}

/** Serves the site and builds it again at every change, without executing anything, until Ctrl-C. */
async function watchUntilStopped(call: BuildCall, port: string | undefined): Promise<number> {
  // Only authors need it.
  const { watchSite } = require("./watch") as typeof import("./watch");
  const assets = resolve(courseRoot, "site", "assets");
  const folders = call.from === undefined ? [cachePath("executed"), notebooksFolder(), assets] : [call.from, assets];
  try {
    const watching = await watchSite({
      out: call.out,
      folders,
      build: () => buildOnce({ ...call, execute: false }),
      port: Number(port ?? 0) || 0,
    });
    console.log(`Open: ${watching.url} (Ctrl-C ends it)`);
    await new Promise<void>((stopped) => {
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => stopped());
    });
    await watching.close();
    return 0;
  } catch (error) {
    return refuse(error);
  }
}

const text = (option: string | true | undefined): string | undefined =>
  typeof option === "string" ? option : undefined;

function sourcesIn(folder: string): Source[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new OutputError(
      `${folder} is no folder\nTry: npm run site -- --from FOLDER, with executed .ipynb files in it`,
    );
  }
  return notebooksIn(folder);
}

/** A fault on the way leaves nothing beside the site. */
function attempt<T>(folder: OutputFolder, work: () => T): T {
  try {
    return work();
  } catch (error) {
    folder.discard();
    throw error;
  }
}

function report(built: Built, folder: OutputFolder, ms: number): number {
  if (!built.pages) {
    folder.discard();
    console.error("npm run site: no notebook could be rendered; the site stays as it was");
    return 1;
  }
  if (!built.stands) {
    attempt(folder, () => folder.publish());
    built.remember();
  }
  const labs = `${built.pages} ${built.pages === 1 ? "lab" : "labs"}`;
  const place = relative(process.cwd(), folder.path) || ".";
  console.log(`Site: ${labs}, ${built.rendered} rendered anew, in ${(ms / 1000).toFixed(2)} s`);
  console.log(`Open: ${place.startsWith("..") ? folder.path : place}/index.html`);
  return built.failed.length ? 1 : 0;
}

function refuse(error: unknown): number {
  if (error instanceof ExecutionError) {
    console.error(`npm run site: the course could not be executed (${error.message}); the site stays as it was`);
    console.error("Try: npm run course, or npm run site -- --from FOLDER for notebooks that were executed elsewhere");
  } else if (error instanceof OutputError || error instanceof LabError) console.error(`npm run site: ${error.message}`);
  else if ((error as NodeJS.ErrnoException).code)
    console.error(`npm run site: ${(error as Error).message}; the site stays as it was`);
  else console.error(error);
  return 1;
}

/** A line that is written over on a terminal; nothing elsewhere. */
function progress(done: number, of: number, name: string): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(done < of ? `\r\x1b[Krendering ${done + 1} of ${of}: ${name}` : "\r\x1b[K");
}
