/** Random-looking values from a seed: the same seed gives the same topics, ids and numbers. Page-safe. */
export class Seeded {
  #state: number;

  constructor(seed: string) {
    // FNV-1a, then mixed once more by the generator's own steps.
    let hash = 0x811c9dc5;
    for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193);
    this.#state = hash >>> 0;
  }

  /** From 0, below 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number, both ends included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick<T>(from: readonly [T, ...T[]]): T;
  pick<T>(from: readonly T[]): T | undefined;
  pick<T>(from: readonly T[]): T | undefined {
    return from[this.integer(0, from.length - 1)];
  }

  /** Eight hexadecimal digits. */
  word(): string {
    return Math.floor(this.next() * 4_294_967_296)
      .toString(16)
      .padStart(8, "0");
  }
}
