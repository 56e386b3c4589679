/** One line of the bench. */
export interface Row {
  /** What was measured: "broker ready, docker". */
  readonly name: string;
  readonly value: number;
  /** "ms", "×", "MB" */
  readonly unit: string;
  /** The most that it may be; a text says it in words and is not judged. */
  readonly aim?: number | string;
}
