/** Node's own count of the callbacks that it is in, as its `async_wrap` binding shows it. */
interface AsyncWrap {
  readonly async_hook_fields: Uint32Array;
  readonly constants: Record<Counted | "kCheck" | "kTotals", number>;
  /** Of each callback that is under way, the thing that it belongs to. */
  readonly execution_async_resources: unknown[];
  clearAsyncIdStack(): void;
}

/** What setImmediate gives, as Node links it to the next one of the same turn. */
interface Immediate {
  readonly _onImmediate: ((...args: unknown[]) => void) | null;
  readonly _argv?: unknown[];
  readonly _idleNext: Immediate | null;
}

type Counted = (typeof COUNTED)[number];

const COUNTED = ["kInit", "kBefore", "kAfter", "kDestroy", "kPromiseResolve"] as const;
const BEFORE = Symbol.for("mqtt-notebooks.kernel.before-termination");

/** To be evaluated on the main thread right before its JavaScript is terminated. */
export const BEFORE_TERMINATION = `globalThis[Symbol.for(${JSON.stringify(BEFORE.description)})]?.()`;

let asyncWrap: AsyncWrap | undefined;
let left: Immediate[] = [];

/**
 * Makes the main thread survive a termination. Node aborts the process ("async hook stack has become corrupted") when
 * a callback never returns, which is what a termination looks like to it: its two checks are switched off for that
 * moment. Without this only loops in the synchronous part of a cell could be interrupted.
 */
export function prepareForTermination(): void {
  asyncWrap = loadAsyncWrap();
  Object.defineProperty(globalThis, BEFORE, { value: switchChecksOff });
}

function switchChecksOff(): void {
  if (!asyncWrap) return;
  const { async_hook_fields: fields, constants } = asyncWrap;
  fields[constants.kCheck] = 0;
  fields[constants.kTotals] = 0;
  left = waitingImmediates(asyncWrap.execution_async_resources);
}

/** Those that would have run after the setImmediate callback that never returns: Node forgets them, but counts on. */
function waitingImmediates(resources: readonly unknown[]): Immediate[] {
  const running = resources.find((resource) => resource?.constructor?.name === "Immediate") as Immediate | undefined;
  const found: Immediate[] = [];
  for (let next = running?._idleNext; next && found.length < 100_000; next = next._idleNext) found.push(next);
  return found;
}

/** After a termination: forgets the callbacks that never returned, and counts the hooks again. */
export function afterTermination(): void {
  if (!asyncWrap) return;
  const { async_hook_fields: fields, constants } = asyncWrap;
  asyncWrap.clearAsyncIdStack();
  for (const immediate of left.splice(0)) {
    const { _onImmediate: run, _argv: args = [] } = immediate;
    clearImmediate(immediate as unknown as NodeJS.Immediate);
    if (run) setImmediate(run, ...args);
  }
  fields[constants.kTotals] = COUNTED.reduce((sum, name) => sum + fields[constants[name]]!, 0);
}

function loadAsyncWrap(): AsyncWrap | undefined {
  const { binding } = process as unknown as { binding(name: string): AsyncWrap };
  const before = process.noDeprecation;
  process.noDeprecation = true;
  try {
    return binding("async_wrap");
  } catch {
    // Node 24 and later: the kernelspec's flag switches the first check off, the second counts only async_hooks, which
    // AsyncLocalStorage no longer uses there.
    return undefined;
  } finally {
    process.noDeprecation = before;
  }
}
