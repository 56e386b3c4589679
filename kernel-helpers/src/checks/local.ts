import { decode, encode, type HandleKind, type Receiver, type Sender } from "./exchange";
import { showValue } from "./show-value";

/** How long a learner's function may take when a check calls it, in milliseconds. */
export const ANSWER_LIMIT = 10_000;
/** The same when it is graded: what was in time in a lesson must not be late because the grader's machine is busy. */
export const GRADED_ANSWER_LIMIT = 30_000;

export interface LocalHandles {
  kindOf(value: object): HandleKind | undefined;
  isProxy?(value: object): boolean;
}

/**
 * What a check in the learner's own kernel is given: copies, so that a value that changes, throws when it is read or is
 * computed cannot disturb the check; handles as they are; functions behind a time limit.
 */
export function shareHere(given: Readonly<Record<string, unknown>>, handles: LocalHandles): unknown {
  const kept: ((...args: unknown[]) => unknown)[] = [];
  const shared = new Map<string, object>();
  const sender: Sender = {
    isProxy: handles.isProxy,
    refer: (value: object) => {
      const kind = handles.kindOf(value);
      if (!kind) return undefined;
      const id = `${shared.size}`;
      shared.set(id, value);
      return { kind, id };
    },
    keep: (fn: (...args: unknown[]) => unknown) => kept.push(fn) - 1,
  };
  const receiver: Receiver = {
    resolve: (_kind: HandleKind, id: string) => shared.get(id),
    stub: (id: number) => {
      const fn = kept[id];
      return async (...args: unknown[]) => {
        const copied = decode(encode(args, sender), receiver) as unknown[];
        const answer = await inTime(fn!, copied);
        return decode(encode(answer, sender), receiver);
      };
    },
  };
  // One by one: a value that is too large leaves the others whole.
  const copy = ([key, value]: [string, unknown]) => [key, decode(encode(value, sender), receiver)];
  return Object.fromEntries(Object.entries(given).map(copy));
}

/** Calls a learner's function. @throws Error when it throws (whatever it throws), or has no answer in time. */
export async function inTime(
  fn: (...args: unknown[]) => unknown,
  args: unknown[],
  limit = ANSWER_LIMIT,
): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`your function had no answer within ${limit / 1000} s`)), limit);
  });
  try {
    return await Promise.race([(async () => fn(...args))(), late]);
  } catch (thrown) {
    throw thrown instanceof Error ? thrown : new Error(`your function threw ${showValue(thrown)}`);
  } finally {
    clearTimeout(timer);
  }
}
