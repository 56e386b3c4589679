import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashOf } from "./hash";

/** Keeps parts of a page by what they are made from; `make` is asked where none is kept. */
export interface Pieces {
  get(inputs: readonly string[], make: () => Piece): string;
}

export interface Piece {
  readonly html: string;
  /** Whether it is made from its inputs alone, and may be taken for the same inputs again. */
  readonly alone: boolean;
}

/** Makes everything anew. */
export const noPieces: Pieces = { get: (_, make) => make().html };

/**
 * A notebook's cells as its last build rendered them, in a file of the cache: an author changes one cell of forty, and
 * neither their code nor their outputs are parsed again.
 */
export class KeptPieces implements Pieces {
  readonly #file: string;
  readonly #before: ReadonlyMap<string, string>;
  readonly #now = new Map<string, string>();
  #fresh = false;

  /** @param maker a hash of the program that makes the pieces. */
  constructor(folder: string, maker: string, name: string) {
    this.#file = join(folder, `pieces-${hashOf([maker, name]).slice(0, 32)}.json`);
    this.#before = this.#read();
  }

  get(inputs: readonly string[], make: () => Piece): string {
    const key = hashOf(inputs);
    const kept = this.#before.get(key);
    if (kept !== undefined) {
      this.#now.set(key, kept);
      return kept;
    }
    const { html, alone } = make();
    if (alone) this.#now.set(key, html);
    this.#fresh ||= alone;
    return html;
  }

  /** Writes what this build made and took. */
  keep(): void {
    if (!this.#fresh) return;
    const unfinished = `${this.#file}.${process.pid}`;
    writeFileSync(unfinished, JSON.stringify([...this.#now]));
    renameSync(unfinished, this.#file);
  }

  #read(): ReadonlyMap<string, string> {
    try {
      return new Map(JSON.parse(readFileSync(this.#file, "utf8")) as [string, string][]);
    } catch {
      // None yet, or cut short: made anew.
      return new Map();
    }
  }
}
