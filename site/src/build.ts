import { cachePath } from "kernel-helpers/dist/core/paths";
import { Cache, frameHash, makerHash } from "./cache";
import { Frame } from "./frame";
import type { LabContent } from "./lab-page";
import { LastBuild } from "./last-build";
import type { Solutions } from "./lesson";
import { NotebookError, readNotebook } from "./notebook";
import type { Observation } from "./observations";
import type { OutputFolder } from "./output-folder";
import { changesPage } from "./pages/changes";
import { FEED, feed } from "./pages/feed";
import { frontPage } from "./pages/front";
import { glossaryPage } from "./pages/glossary";
import { labPage } from "./pages/lab";
import { ledgerPage } from "./pages/ledger";
import { runPage } from "./pages/run";
import { searchPage } from "./pages/search";
import { topicsPage } from "./pages/topics";
import { inputsOf, type Job, render } from "./render";
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
  /** Whether the site that stands is this one already: then nothing was written into the folder. */
  readonly stands: boolean;
  /** To be called when the folder is published. */
  remember(): void;
}

/** Renders all sources into a folder. Does not publish it. */
export function build(sources: readonly Source[], folder: OutputFolder, settings: BuildSettings): Built {
  const cacheFolder = settings.cacheFolder ?? cachePath("site");
  const cache = new Cache<LabContent>(cacheFolder, makerHash());
  const complaints: string[] = [];
  const complain = (line: string): void => {
    complaints.push(line);
    settings.complain(line);
  };
  const names = pageNames(sources, complain);
  const read = readAll(sources, names, cache, settings);
  const others = readOthers(settings.others ?? []);
  const last = new LastBuild(cacheFolder, folder.path);
  const key = siteKey(cache, read, others, settings);
  const told = last.recall(key);
  if (told) {
    for (const line of told.complaints) settings.complain(line);
    return { pages: told.pages, rendered: 0, failed: [], stands: true, remember() {} };
  }

  const labs: LabEntry[] = [];
  const failed: Source[] = [];
  let rendered = 0;
  for (const [i, { source, job, reason }] of read.entries()) {
    settings.progress(i, read.length, source.name);
    try {
      if (!job) throw new Error(reason);
      const { value: content, fresh } = cache.get(job.key, () => render(job, cache));
      if (fresh) rendered++;
      for (const warning of content.warnings) complain(`${source.name}.ipynb: ${warning}`);
      const listed = settings.listed.find((lab) => lab.slug === source.name);
      labs.push({ name: source.name, page: names[source.name] as string, content, listed });
    } catch (error) {
      failed.push(source);
      // A page name that was taken has been told.
      if (Object.hasOwn(names, source.name)) complain(`${source.file}: ${reasonOf(error)}`);
    }
  }
  settings.progress(read.length, read.length, "");
  if (labs.length) {
    const downloads = new Map(read.map(({ source, download }) => [source.name, download]));
    const map = siteMap(labs, others, cache, settings, complain);
    const kept = writePages(map, failed, downloads, folder);
    for (const name of kept) complain(`${name}.html stays as an earlier build made it`);
  }
  cache.prune();
  return {
    pages: labs.length,
    rendered,
    failed: failed.map((source) => source.name),
    stands: false,
    // What went wrong is tried again by every build.
    remember: () => (failed.length ? undefined : last.note(key, { pages: labs.length, complaints }, folder.files)),
  };
}

/** A source that has been read, or why it could not be. */
interface Read {
  readonly source: Source;
  readonly job?: Job;
  readonly reason?: string;
  readonly download: string;
}

function readAll(
  sources: readonly Source[],
  pages: Readonly<Record<string, string>>,
  cache: Cache<LabContent>,
  { solutions }: BuildSettings,
): Read[] {
  return sources.map((source) => {
    try {
      if (!Object.hasOwn(pages, source.name)) return { source, download: "" };
      const text = source.text?.() ?? readText(source.file);
      const lab = labOf(text, source);
      const inputs = { name: source.name, text, material: materialOf(lab), solutions, pages };
      const job = { ...inputs, key: cache.key(inputsOf(inputs)) };
      return { source, job, download: downloadOf(text, lab, solutions) };
    } catch (error) {
      return { source, reason: reasonOf(error), download: "" };
    }
  });
}

/** Runs on other releases: file and text, or why there is none. */
interface ReadOther {
  readonly source: Source;
  readonly text?: string;
  readonly reason?: string;
}

const readOthers = (sources: readonly Source[]): ReadOther[] =>
  sources.map((source) => {
    try {
      return { source, text: readText(source.file) };
    } catch (error) {
      return { source, reason: reasonOf(error) };
    }
  });

/** A hash of all that the site is made from. */
const siteKey = (
  cache: Cache<LabContent>,
  read: readonly Read[],
  others: readonly ReadOther[],
  { listed, curriculum, changes, solutions }: BuildSettings,
): string =>
  cache.key([
    frameHash(),
    JSON.stringify([listed, curriculum, changes, solutions]),
    ...read.flatMap(({ source, job, reason = "", download }) => [
      source.file,
      job?.key ?? "",
      reason,
      // The notebook itself is in its job's key.
      download === job?.text ? "itself" : download,
    ]),
    ...others.flatMap(({ source, text = "", reason = "" }) => [source.file, text, reason]),
  ]);

const RESERVED = new Set(["index", "topics", "statements", "glossary", "run", "search", "changes"]);

/** Page names that no two notebooks share, also where a file system takes two cases for one. */
function pageNames(sources: readonly Source[], complain: (line: string) => void): Record<string, string> {
  const taken = new Set<string>();
  return Object.fromEntries(
    sources.flatMap(({ name, file }) => {
      const low = name.toLowerCase();
      if (RESERVED.has(low) || taken.has(low)) {
        complain(`${file}: its page would be ${name}.html, which the site has already; give the notebook another name`);
        return [];
      }
      taken.add(low);
      return [[name, `${encodeURIComponent(name)}.html`]];
    }),
  );
}

/** Which lab's stubs and hints belong to a notebook: by its metadata, else by its name. */
function labOf(text: string, source: Source): string {
  return /"mqtt"\s*:\s*\{[^{}]*"lab"\s*:\s*"([a-z0-9-]+)"/.exec(text)?.[1] ?? source.name;
}

function siteMap(
  labs: readonly LabEntry[],
  others: readonly ReadOther[],
  cache: Cache<unknown>,
  settings: BuildSettings,
  complain: (line: string) => void,
): SiteMap {
  const there = new Set(labs.map((lab) => lab.name));
  // Notebooks of no course have no labs to come.
  const plan = labs.some((lab) => lab.listed) ? settings.curriculum : undefined;
  return {
    labs,
    toCome: plan?.planned.filter((lab) => !there.has(lab.slug)) ?? [],
    topics: plan?.topics ?? {},
    runs: others.flatMap((other) => otherRun(other, cache, complain) ?? []),
    changes: plan ? (settings.changes ?? []) : [],
  };
}

/** What another run showed; the notebook itself has its page already. */
function otherRun(
  { source, text, reason }: ReadOther,
  cache: Cache<unknown>,
  complain: (line: string) => void,
): OtherRun | undefined {
  try {
    if (text === undefined) throw new Error(reason);
    const { value } = cache.get(cache.key([text, "observations"]), () => {
      const { allObservations } = require("./observations") as typeof import("./observations");
      const notebook = readNotebook(text, () => {});
      return { run: notebook.run, observations: allObservations(notebook) };
    });
    const { run, observations } = value as { run: OtherRun["run"]; observations: Observation[] };
    return { lab: source.name, run, observations };
  } catch (error) {
    complain(`${source.file}: ${reasonOf(error)}; the ledger goes without it`);
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
  const atom = feed(map);
  if (atom !== undefined) folder.write(FEED, atom);
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
