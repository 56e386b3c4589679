import { LabError } from "./errors";

/**
 * Asks until the answer is truthy, and returns it. For conditions that no event announces; where an event exists, await that.
 *
 * @param what in words, for the message when it does not come true: "the late subscriber has its message".
 * @param options.timeout milliseconds, default 5,000. @param options.every milliseconds between questions, default 20.
 * @throws LabError TIMEOUT, which names what was awaited; what `ask` throws ends the wait.
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  options: { timeout?: number; every?: number } = {},
): Promise<NonNullable<T>> {
  const timeout = options.timeout ?? 5_000;
  const every = options.every ?? 20;
  let left = timeout;
  for (let asked = performance.now(); ; asked = performance.now()) {
    const answer = await ask();
    if (answer) return answer;
    if (left <= 0) {
      throw new LabError(
        "TIMEOUT",
        `waited ${timeout} ms in vain until ${what}`,
        "look at the broker's log and the tap for the step that did not happen",
      );
    }
    left -= performance.now() - asked;
    const from = performance.now();
    await new Promise((resolve) => setTimeout(resolve, every));
    // Of a pause in which this process did not get to run, little counts: its news has not been read yet.
    left -= Math.min(performance.now() - from, every * LATE);
  }
}

/** At most so many times its own length a pause counts. */
const LATE = 2;
