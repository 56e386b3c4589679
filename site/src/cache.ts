import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { courseRoot } from "kernel-helpers/dist/core/paths";
import { hashOf } from "./hash";
import { KeptPieces } from "./pieces";

/** Rendered notebooks by a hash of all that they were made from: what has not changed is not rendered again. */
export class Cache<Value> {
  readonly folder: string;
  readonly maker: string;
  readonly #used = new Set<string>();

  /** @param maker a hash of the program that makes the values. */
  constructor(folder: string, maker: string) {
    this.folder = folder;
    this.maker = maker;
  }

  /** What a value made from these is kept under. */
  key(inputs: readonly string[]): string {
    return hashOf([this.maker, ...inputs]);
  }

  /** The value of this key, and whether it had to be made now. */
  get(key: string, make: () => Value): { value: Value; fresh: boolean } {
    this.#used.add(`${key}.json`);
    try {
      return { value: JSON.parse(readFileSync(this.#file(key), "utf8")) as Value, fresh: false };
    } catch {
      // Not there, or cut short: made anew.
    }
    // Through JSON, so that a fresh value and a kept one are the same.
    const text = JSON.stringify(make());
    mkdirSync(this.folder, { recursive: true });
    const unfinished = `${this.#file(key)}.${process.pid}`;
    writeFileSync(unfinished, text);
    renameSync(unfinished, this.#file(key));
    return { value: JSON.parse(text) as Value, fresh: true };
  }

  /** The cells of a notebook's last build. */
  pieces(name: string): KeptPieces {
    mkdirSync(this.folder, { recursive: true });
    return new KeptPieces(this.folder, this.maker, name);
  }

  #file(key: string): string {
    return join(this.folder, `${key}.json`);
  }

  /** Forgets the oldest of what this build did not need, down to `most` entries. */
  prune(most = 200): void {
    let names: string[];
    try {
      names = readdirSync(this.folder).filter((name) => !this.#used.has(name));
    } catch {
      return;
    }
    if (names.length <= most) return;
    const aged = names.map((name) => ({
      name,
      at: statSync(join(this.folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
    }));
    aged.sort((a, b) => b.at - a.at);
    for (const { name } of aged.slice(most)) rmSync(join(this.folder, name), { force: true });
  }
}

/** A hash of the renderer itself: its compiled files, the views that it draws with, the locked packages. */
export const makerHash = (): string =>
  hashOfFiles([
    ...programIn(__dirname),
    ...["views", "lab"].flatMap((room) => programIn(join(courseRoot, "kernel-helpers", "dist", room))),
    join(courseRoot, "package-lock.json"),
  ]);

/** A hash of what all pages share, and what the pages around the labs are made by. */
export const frameHash = (): string => {
  const assets = join(__dirname, "..", "assets");
  return hashOfFiles([...programIn(join(__dirname, "pages")), ...namesIn(assets).map((name) => join(assets, name))]);
};

const namesIn = (folder: string): string[] => readdirSync(folder).sort();

const programIn = (folder: string): string[] =>
  namesIn(folder)
    .filter((name) => name.endsWith(".js"))
    .map((name) => join(folder, name));

const hashOfFiles = (files: readonly string[]): string =>
  hashOf(files.map((file) => `${dirname(file).slice(courseRoot.length)}\0${readFileSync(file, "utf8")}`));
