import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashOf } from "./hash";

/** What a build said of its notebooks, to be said again when it need not be done again. */
export interface Told {
  readonly pages: number;
  readonly complaints: readonly string[];
}

interface Note {
  readonly key: string;
  readonly told: Told;
  /** Name -> size and time of its last change, as they were when the site had taken its place. */
  readonly files: Readonly<Record<string, readonly [number, number]>>;
}

/** What the site in a folder was made from: a build of the same into the same has nothing to do. */
export class LastBuild {
  readonly #file: string;
  readonly #out: string;

  constructor(cacheFolder: string, out: string) {
    this.#out = out;
    this.#file = join(cacheFolder, `last-${hashOf([out]).slice(0, 16)}.json`);
  }

  /** What the build of this key told; undefined when another was the last, or a file has been touched since. */
  recall(key: string): Told | undefined {
    try {
      const note = JSON.parse(readFileSync(this.#file, "utf8")) as Note;
      if (note.key !== key) return undefined;
      const whole = Object.entries(note.files).every(([name, [size, changed]]) => {
        const now = statSync(join(this.#out, name));
        return now.size === size && now.mtimeMs === changed;
      });
      return whole ? note.told : undefined;
    } catch {
      // Nothing noted, or a file of the site is gone.
      return undefined;
    }
  }

  note(key: string, told: Told, names: readonly string[]): void {
    const files = Object.fromEntries(
      names.map((name) => {
        const { size, mtimeMs } = statSync(join(this.#out, name));
        return [name, [size, mtimeMs] as const];
      }),
    );
    writeFileSync(this.#file, JSON.stringify({ key, told, files } satisfies Note));
  }
}
