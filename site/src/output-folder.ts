import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";

/** What tells a site of ours from somebody's folder: the list of its files. */
const LIST = "site.json";

/** Why a folder cannot take the site. */
export class OutputError extends Error {
  override readonly name = "OutputError";
}

/**
 * The site's folder. It is built beside its place and takes it in one step at the end, so that a build that fails
 * leaves what was there.
 */
export class OutputFolder {
  readonly path: string;
  readonly #building: string;
  readonly #files: string[] = [];
  #forget: () => void = () => {};

  /** @throws OutputError when the folder holds what no build of ours put there. */
  constructor(path: string) {
    this.path = existsSync(path) ? realpathSync(path) : resolve(path);
    refuseForeign(this.path);
    mkdirSync(dirname(this.path), { recursive: true });
    sweep(this.path);
    this.#building = beside(this.path, "new");
  }

  /** The names of what was written. */
  get files(): readonly string[] {
    return this.#files;
  }

  write(name: string, text: string): void {
    if (!this.#files.length) this.#begin();
    const file = join(this.#building, name);
    if (name.includes("/")) mkdirSync(dirname(file), { recursive: true });
    if (!this.#takeOver(name, text)) writeFileSync(file, text);
    this.#files.push(name);
  }

  #begin(): void {
    rmSync(this.#building, { recursive: true, force: true });
    mkdirSync(this.#building);
    this.#forget = onSignals(() => this.discard());
  }

  /** A file that has not changed is the old one under a second name: nothing to write, and nothing to free later. */
  #takeOver(name: string, text: string): boolean {
    const old = join(this.path, name);
    const bytes = Buffer.from(text);
    try {
      const there = lstatSync(old);
      if (!there.isFile() || there.size !== bytes.length || !readFileSync(old).equals(bytes)) return false;
      linkSync(old, join(this.#building, name));
      return true;
    } catch {
      // No such file, or a file system without second names.
      return false;
    }
  }

  /** A file of the site that stands now, undefined when it has none of that name. */
  earlier(name: string): string | undefined {
    return existsSync(join(this.path, name)) ? readFileSync(join(this.path, name), "utf8") : undefined;
  }

  /** The new site takes its place. */
  publish(): void {
    const list = [...this.#files, LIST].sort();
    writeFileSync(join(this.#building, LIST), `${JSON.stringify({ site: "mqtt-notebooks", files: list }, null, 2)}\n`);
    const old = beside(this.path, "old");
    const there = existsSync(this.path);
    if (there) renameSync(this.path, old);
    try {
      renameSync(this.#building, this.path);
    } catch (error) {
      if (there) renameSync(old, this.path);
      throw error;
    }
    rmSync(old, { recursive: true, force: true });
    this.#forget();
  }

  /** Drops what was built; the site that stands stays. */
  discard(): void {
    rmSync(this.#building, { recursive: true, force: true });
    this.#forget();
  }
}

const beside = (path: string, what: string, pid: number | string = process.pid): string =>
  join(dirname(path), `.${basename(path)}.${what}-${pid}`);

function refuseForeign(path: string): void {
  if (!existsSync(path)) return;
  const there = filesBelow(path);
  if (!there.length) return;
  const ours = new Set(listed(path));
  const foreign = there.find((name) => !ours.has(name));
  if (foreign !== undefined) {
    throw new OutputError(
      `${path} holds "${foreign}", which no build of the site put there\nTry: an empty folder, or one that only holds the site`,
    );
  }
}

function filesBelow(path: string): string[] {
  try {
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(path, join(entry.parentPath ?? entry.path, entry.name)).replaceAll("\\", "/"))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR")
      throw new OutputError(`${path} is a file, not a folder\nTry: --out site/dist`);
    throw error;
  }
}

function listed(path: string): string[] {
  try {
    const list = JSON.parse(readFileSync(join(path, LIST), "utf8")) as { site?: unknown; files?: unknown };
    return list.site === "mqtt-notebooks" && Array.isArray(list.files) ? list.files.map(String) : [];
  } catch {
    return [];
  }
}

/** What a build that was killed left beside the site. */
function sweep(path: string): void {
  const mark = `.${basename(path)}.`;
  for (const name of readdirSync(dirname(path))) {
    const [, kind, pid] = (name.startsWith(mark) && /^(new|old)-(\d+)$/.exec(name.slice(mark.length))) || [];
    if (!kind || !pid || runs(Number(pid))) continue;
    // Killed between the two renames: the old site goes back to its place.
    if (kind === "old" && !existsSync(path)) renameSync(join(dirname(path), name), path);
    else rmSync(join(dirname(path), name), { recursive: true, force: true });
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Cleans up when the build is interrupted, then ends as a signal does. */
function onSignals(clean: () => void): () => void {
  const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  const handlers = Object.entries(codes).map(([signal, code]) => {
    const handler = (): void => {
      clean();
      process.exit(code);
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  return () => {
    for (const off of handlers) off();
  };
}
