export interface LogMeaning {
  readonly line: string;
  /** Undefined for lines that say it themselves, or that nobody has explained. */
  readonly meaning?: string;
}
/** A broker's log, line by line. */
export function explainLog(lines: readonly string[]): LogMeaning[] {
  return lines.map((line) => ({ line }));
}
