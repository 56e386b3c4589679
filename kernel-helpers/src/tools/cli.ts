import { LabError } from "../core/errors";

/** A program's words and options, as set-up has read them (kernel-helpers/setup/tools.mjs lists what there is). */
export interface ToolCall {
  readonly words: readonly string[];
  /** A switch is `true`. */
  readonly options: Readonly<Record<string, string | true | undefined>>;
}

/**
 * What each file of `tools/` exports as `main`. Resolves to the exit code: 0 all well, 1 checks failed, 2 usage,
 * 3 the machine cannot.
 */
export type Tool = (call: ToolCall) => Promise<number>;

/** Prints an error for a person: a LabError in its own two lines, anything else with its stack, as it is a fault of ours. */
export function printError(error: unknown): void {
  console.error(error instanceof LabError ? String(error) : error);
}

/** "12.3 kB", "4.5 MB": decimal, as disks are sold. */
export function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1_000;
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${value.toFixed(value < 99.95 ? 1 : 0)} ${units[unit]}`;
}

/** Rows as aligned text; the last column is not padded. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
