import { LabError } from "./errors";

/**
 * Gives a failure of `work` the stack of whoever called: an error that comes out of an event's handler, long after the
 * call, has no frame of its own that tells the learner which line of the cell it was.
 */
export function fromHere<T>(work: Promise<T>): Promise<T> {
  const here: { stack?: string } = {};
  Error.captureStackTrace(here, fromHere);
  return work.catch((error: unknown) => {
    if (error instanceof LabError) error.stack = `${error.stack}\n${framesOf(here.stack)}`;
    throw error;
  });
}

const framesOf = (stack = ""): string => stack.split("\n").slice(1).join("\n");
