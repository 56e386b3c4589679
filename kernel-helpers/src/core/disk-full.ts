import { LabError } from "./errors";

/** What is told wherever something could not be written since the disk or the user's share of it is full. */
export function diskFullError(what: string, detail: string, cause?: unknown): LabError {
  return new LabError(
    "DISK_FULL",
    `the disk is full: ${what}\n${detail}`.trimEnd(),
    "free some disk, then run the cell again: `df -h .` shows how full it is, `npm run clean` what this course takes",
    { cause },
  );
}

/** The error itself, or DISK_FULL when that is what the system says of this folder or file. */
export function orDiskFull(error: unknown, path: string): unknown {
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException;
  if (error instanceof LabError || (code !== "ENOSPC" && code !== "EDQUOT")) return error;
  return diskFullError(`nothing more can be written to ${path}`, message, error);
}
