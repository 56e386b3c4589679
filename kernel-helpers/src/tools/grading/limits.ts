/** What one submission may take; each limit has its own message. */
export interface Limits {
  /** Milliseconds that one cell may take; a check has the judge's own limit. Default 60,000. */
  readonly cell?: number;
  /** Milliseconds for all cells together. Default 600,000. */
  readonly submission?: number;
  /** Milliseconds for one check. Default as in a lesson. */
  readonly check?: number;
  /** Bytes of memory for the kernel and what it starts. Default 1 GiB. */
  readonly memory?: number;
  /** Bytes that may be written to disk. Default 64 MiB. */
  readonly disk?: number;
}

export const MIB = 1024 * 1024;

export const DEFAULT_LIMITS = {
  cell: 60_000,
  submission: 600_000,
  memory: 1024 * MIB,
  disk: 64 * MIB,
  /** Processes and threads; Node itself has about twenty. */
  processes: 200,
  processors: 2,
} as const;

export const inMiB = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;

/** A heap that ends before the memory does, so that Node can still say why. */
export const heapFlag = (memory: number): string =>
  `--max-old-space-size=${Math.max(64, Math.round(memory / MIB / 2))}`;
