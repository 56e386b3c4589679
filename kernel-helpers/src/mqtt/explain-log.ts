/** What Mosquitto means by a line of its log: the wordings of 2.0 and of 2.1. Page-safe. */
import { LINES } from "./log-lines";

export interface LogMeaning {
  readonly line: string;
  /** Undefined for lines that nobody has explained. */
  readonly meaning?: string;
  /** A line that a reader should not miss. */
  readonly weight?: "notice" | "warning" | "error";
}

/** Seconds since 1970, or what log_timestamp_format makes of them. */
const STAMP = /^(?:\d{9,11}|\d{4}-\d\d-\d\d[T ][^ ]*): /;

/** Each line with its meaning, in order. Unknown lines come back as they are. */
export function explainLog(lines: readonly string[]): LogMeaning[] {
  return lines.map(explainLogLine);
}

export function explainLogLine(line: string): LogMeaning {
  const text = line.replace(STAMP, "").trimEnd();
  for (const { pattern, meaning, weight } of LINES) {
    const match = pattern.exec(text);
    if (!match) continue;
    const said = typeof meaning === "string" ? meaning : meaning(match);
    return { line, meaning: said, ...(weight ? { weight } : {}) };
  }
  // Mosquitto marks the kinds itself, also in lines that are not known here.
  if (/^Error\b/.test(text)) return { line, weight: "error" };
  return /^Warning\b/.test(text) ? { line, weight: "warning" } : { line };
}
