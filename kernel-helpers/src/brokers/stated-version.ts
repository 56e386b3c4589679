import type { LogBook } from "../core/log-book";

/** The version in the last start's log, whatever the image says. */
export function statedVersion(log: LogBook): string | null {
  for (let index = log.lines.length - 1; index >= 0; index--) {
    const stated = /mosquitto version (\S+) (?:starting|running)/.exec(log.lines[index]!.text);
    if (stated) return stated[1]!;
  }
  return null;
}
