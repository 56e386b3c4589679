import { cachePath } from "kernel-helpers/dist/core/paths";
import { Cache, makerHash } from "./cache";
import { Frame } from "./frame";
import type { LabContent } from "./lab-page";
import type { Solutions } from "./lesson";
import { NotebookError, readNotebook } from "./notebook";
import type { Observation } from "./observations";
import type { OutputFolder } from "./output-folder";
import { changesPage } from "./pages/changes";
import { frontPage } from "./pages/front";
import { glossaryPage } from "./pages/glossary";
import { labPage } from "./pages/lab";
import { ledgerPage } from "./pages/ledger";
import { runPage } from "./pages/run";
import { searchPage } from "./pages/search";
import { topicsPage } from "./pages/topics";
import { searchFile } from "./search-file";
import type { LabEntry, OtherRun, SiteMap } from "./site-map";
import { type Change, type Curriculum, downloadOf, type ListedLab, materialOf, readText, type Source } from "./sources";

export interface BuildSettings {
  readonly solutions: Solutions;
  readonly listed: readonly ListedLab[];
  readonly curriculum?: Curriculum;
  /** Runs of the same notebooks on other releases or engines, for the ledger. */
  readonly others?: readonly Source[];
  readonly changes?: readonly Change[];
  readonly cacheFolder?: string;
  /** What is not as it should be in a notebook; the others go on. */
  complain(line: string): void;
  progress(done: number, of: number, name: string): void;
}

export interface Built {
  readonly pages: number;
  /** Notebooks that were rendered now, not taken from the cache. */
  readonly rendered: number;
  readonly failed: readonly string[];
}

/** Renders all sources into a folder. Does not publish it. */
export function build(sources: readonly Source[], folder: OutputFolder, settings: BuildSettings): Built {
  const cache = new Cache<LabContent>(settings.cacheFolder ?? cachePath("site"), makerHash());
  const names = pageNames(sources, settings);
  const labs: LabEntry[] = [];
  const failed: Source[] = [];
  const downloads = new Map<string, string>();
  let rendered = 0;
  sources.forEach((source, i) => {
    settings.progress(i, sources.length, source.name);
    const page = names[source.name];
    if (page === undefined) {
      failed.push(source);
      return;
    }
    try {
      const { content, fresh, download } = renderSource(source, names, cache, settings);
      if (fresh) rendered++;
      downloads.set(source.name, download);
      for (const warning of content.warnings) settings.complain(`${source.name}.ipynb: ${warning}`);
      labs.push({ name: source.name, page, content, listed: settings.listed.find((lab) => lab.slug === source.name) });
    } catch (error) {
      failed.push(source);
      settings.complain(`${source.file}: ${reasonOf(error)}`);
    }
  });
  settings.progress(sources.length, sources.length, "");
  if (labs.length) {
    const kept = writePages(siteMap(labs, cache, settings), failed, downloads, folder);
    for (const name of kept) settings.complain(`${name}.html stays as an earlier build made it`);
  }
  cache.prune();
  return { pages: labs.length, rendered, failed: failed.map((source) => source.name) };
}

const RESERVED = new Set(["index", "topics", "statements", "glossary", "run", "search", "changes"]);

/** Page names that no two notebooks share, also where a file system takes two cases for one. */
function pageNames(sources: readonly Source[], settings: BuildSettings): Record<string, string> {
  const taken = new Set<string>();
  return Object.fromEntries(
    sources.flatMap(({ name, file }) => {
      const low = name.toLowerCase();
      if (RESERVED.has(low) || taken.has(low)) {
        settings.complain(
          `${file}: its page would be ${name}.html, which the site has already; give the notebook another name`,
        );
        return [];
      }
      taken.add(low);
      return [[name, `${encodeURIComponent(name)}.html`]];
    }),
  );
}

function renderSource(
  source: Source,
  pages: Record<string, string>,
  cache: Cache<LabContent>,
  settings: BuildSettings,
) {
  const text = source.text?.() ?? readText(source.file);
  const lab = labOf(text, source);
  const material = materialOf(lab);
  const inputs = [text, source.name, settings.solutions, JSON.stringify(material), JSON.stringify(pages)];
  const { value, fresh } = cache.get(inputs, () => {
    // Loaded only when something has changed: the parsers are most of the program.
    const { labContent } = require("./lab-page") as typeof import("./lab-page");
    const warnings: string[] = [];
    const notebook = readNotebook(text, (what) => warnings.push(what));
    const content = labContent(notebook, {
      fallbackTitle: source.name,
      solutions: settings.solutions,
      material,
      pages,
    });
    return { ...content, warnings: [...warnings, ...content.warnings] };
  });
  return { content: value, fresh, download: downloadOf(text, lab, settings.solutions) };
}

/** Which lab's stubs and hints belong to a notebook: by its metadata, else by its name. */
function labOf(text: string, source: Source): string {
  return /"mqtt"\s*:\s*\{[^{}]*"lab"\s*:\s*"([a-z0-9-]+)"/.exec(text)?.[1] ?? source.name;
}

function siteMap(labs: readonly LabEntry[], cache: Cache<LabContent>, settings: BuildSettings): SiteMap {
  const there = new Set(labs.map((lab) => lab.name));
  // Notebooks of no course have no labs to come.
  const plan = labs.some((lab) => lab.listed) ? settings.curriculum : undefined;
  return {
    labs,
    toCome: plan?.planned.filter((lab) => !there.has(lab.slug)) ?? [],
    topics: plan?.topics ?? {},
    runs: (settings.others ?? []).flatMap((source) => otherRun(source, cache, settings) ?? []),
    changes: plan ? (settings.changes ?? []) : [],
  };
}

/** What another run showed; the notebook itself has its page already. */
function otherRun(source: Source, cache: Cache<unknown>, settings: BuildSettings): OtherRun | undefined {
  try {
    const text = readText(source.file);
    const { value } = cache.get([text, "observations"], () => {
      const { allObservations } = require("./observations") as typeof import("./observations");
      const notebook = readNotebook(text, () => {});
      return { run: notebook.run, observations: allObservations(notebook) };
    });
    const { run, observations } = value as { run: OtherRun["run"]; observations: Observation[] };
    return { lab: source.name, run, observations };
  } catch (error) {
    settings.complain(`${source.file}: ${reasonOf(error)}; the ledger goes without it`);
    return undefined;
  }
}

/** Writes everything; returns the names of notebooks that failed and whose earlier pages were kept. */
function writePages(
  map: SiteMap,
  failed: readonly Source[],
  downloads: ReadonlyMap<string, string>,
  folder: OutputFolder,
): string[] {
  const frame = new Frame();
  const slugs = new Set(map.labs.map((lab) => lab.name));
  for (const lab of map.labs) {
    folder.write(`${lab.name}.html`, frame.page(labPage(map, lab)));
    folder.write(`notebooks/${lab.name}.ipynb`, downloads.get(lab.name) ?? "");
    folder.write(`search/${lab.name}.json`, searchFile(lab.content.title, lab.page, lab.content.sections));
  }
  const search = searchPage(map.labs.map((lab) => `search/${encodeURIComponent(lab.name)}.json`));
  const pages = [
    frontPage(map),
    topicsPage(map),
    ledgerPage(map),
    glossaryPage(map),
    runPage(),
    search,
    changesPage(map),
  ];
  for (const page of pages) folder.write(page.file, frame.page(page));
  folder.write("robots.txt", "User-agent: *\nAllow: /\n");
  return failed.flatMap(({ name }) => {
    const earlier = RESERVED.has(name.toLowerCase()) ? undefined : folder.earlier(`${name}.html`);
    if (earlier === undefined || slugs.has(name)) return [];
    folder.write(`${name}.html`, earlier);
    const notebook = folder.earlier(`notebooks/${name}.ipynb`);
    if (notebook !== undefined) folder.write(`notebooks/${name}.ipynb`, notebook);
    return [name];
  });
}

function reasonOf(error: unknown): string {
  if (error instanceof NotebookError) return error.message;
  return error instanceof Error ? error.message : String(error);
}
