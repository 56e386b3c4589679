import { writeSync } from "node:fs";
import { inspect } from "node:util";

/** Tells the kernel's own trouble where the one who started it looks: the process's real stderr, not a cell's. */
export function complain(what: string, error: unknown): void {
  try {
    writeSync(2, `kernel: ${what}: ${error instanceof Error ? (error.stack ?? error.message) : inspect(error)}\n`);
  } catch {
    // stderr is closed or a full pipe: there is nobody to tell.
  }
}
