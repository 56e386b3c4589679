/** The two ends of a long list, and what lies between them. */
export interface Folded<T> {
  readonly head: readonly T[];
  readonly folded: readonly T[];
  readonly tail: readonly T[];
}

/** Keeps at most `limit`: all of a short list, else its first and last half. */
export function fold<T>(all: readonly T[], limit: number): Folded<T> {
  if (all.length <= limit) return { head: all, folded: [], tail: [] };
  const half = Math.max(1, Math.floor(limit / 2));
  return { head: all.slice(0, half), folded: all.slice(half, all.length - half), tail: all.slice(all.length - half) };
}
