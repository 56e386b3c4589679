import { AsyncLocalStorage } from "node:async_hooks";

interface Contained {
  readonly errors: unknown[];
}

const inside = new AsyncLocalStorage<Contained>();
type Listener = (error: unknown, detail: unknown) => void;

const EVENTS = ["uncaughtException", "unhandledRejection"] as const;
const saved: Record<string, Listener[]> = {};
const taken: Record<string, Listener> = {};
let running = 0;

/**
 * Runs a function and keeps what its callbacks throw, and the rejections that nobody handles: a check's own timers and
 * message handlers must neither end the process nor show up as a learner's error. What others throw meanwhile goes where
 * it went before.
 */
export async function contain<T>(run: (errors: readonly unknown[]) => Promise<T>): Promise<T> {
  const contained: Contained = { errors: [] };
  if (running++ === 0) takeOver();
  try {
    return await inside.run(contained, () => run(contained.errors));
  } finally {
    // A rejection is announced after the microtasks of its turn.
    await new Promise((resolve) => setImmediate(resolve));
    if (--running === 0) giveBack();
  }
}

function takeOver(): void {
  for (const event of EVENTS) {
    // Raw: a listener that was added with `once` stays one.
    saved[event] = process.rawListeners(event) as Listener[];
    process.removeAllListeners(event);
    const ours: Listener = (error, detail) => caught(event, error, detail);
    taken[event] = ours;
    process.on(event as "uncaughtException", ours);
  }
}

function giveBack(): void {
  for (const event of EVENTS) {
    process.removeListener(event, taken[event] as Listener);
    // Those that were added meanwhile stay, behind the earlier ones.
    for (const listener of [...(saved[event] ?? [])].reverse())
      process.prependListener(event as "uncaughtException", listener);
  }
}

function caught(event: string, error: unknown, detail: unknown): void {
  const contained = inside.getStore();
  if (contained) {
    contained.errors.push(error);
    return;
  }
  for (const listener of saved[event] ?? []) listener.call(process, error, detail);
  if (!saved[event]?.length) {
    // Nobody listened: as Node does without a listener.
    console.error(error);
    process.exit(1);
  }
}
