import { writeSync } from "node:fs";
import { inspect } from "node:util";

/** Tells the kernel's own trouble where the one who started it looks: the process's real stderr, not a cell's. */
export function complain(what: string, error: unknown): void {
  const told =
    error instanceof Error ? (error.stack ?? error.message) : typeof error === "string" ? error : inspect(error);
  try {
    writeSync(2, `kernel: ${what}: ${told}\n`);
  } catch {
    // stderr is closed or a full pipe: there is nobody to tell.
  }
}
