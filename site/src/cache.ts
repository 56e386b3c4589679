import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { courseRoot } from "kernel-helpers/dist/core/paths";

/** Rendered notebooks by a hash of all that they were made from: what has not changed is not rendered again. */
export class Cache<Value> {
  readonly #folder: string;
  readonly #maker: string;
  readonly #used = new Set<string>();

  /** @param maker a hash of the program that makes the values. */
  constructor(folder: string, maker: string) {
    this.#folder = folder;
    this.#maker = maker;
  }

  /** The value made from `inputs`, and whether it was there. */
  get(inputs: readonly string[], make: () => Value): { value: Value; fresh: boolean } {
    const key = hashOf([this.#maker, ...inputs]);
    this.#used.add(`${key}.json`);
    const file = join(this.#folder, `${key}.json`);
    try {
      return { value: JSON.parse(readFileSync(file, "utf8")) as Value, fresh: false };
    } catch {
      // Not there, or cut short: made anew.
    }
    // Through JSON, so that a fresh value and a kept one are the same.
    const text = JSON.stringify(make());
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(`${file}.${process.pid}`, text);
    renameSync(`${file}.${process.pid}`, file);
    return { value: JSON.parse(text) as Value, fresh: true };
  }

  /** Forgets the oldest of what this build did not need, down to `most` entries. */
  prune(most = 200): void {
    let names: string[];
    try {
      names = readdirSync(this.#folder).filter((name) => !this.#used.has(name));
    } catch {
      return;
    }
    if (names.length <= most) return;
    const aged = names.map((name) => ({
      name,
      at: statSync(join(this.#folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
    }));
    aged.sort((a, b) => b.at - a.at);
    for (const { name } of aged.slice(most)) rmSync(join(this.#folder, name), { force: true });
  }
}

export function hashOf(parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest("hex");
}

/** A hash of the renderer itself: its compiled files, the views that it draws with, the locked packages. */
export function makerHash(): string {
  const folders = [__dirname, ...["views", "lab"].map((room) => join(courseRoot, "kernel-helpers", "dist", room))];
  const files = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".js"))
      .sort()
      .map((name) => join(folder, name)),
  );
  return hashOf(
    [...files, join(courseRoot, "package-lock.json")].map(
      (file) => `${dirname(file).slice(courseRoot.length)}\0${readFileSync(file, "utf8")}`,
    ),
  );
}
