/** Node's own count of the callbacks that it is in, as its `async_wrap` binding shows it. */
interface AsyncWrap {
  readonly async_hook_fields: Uint32Array;
  readonly constants: Record<Counted | "kCheck" | "kTotals", number>;
  clearAsyncIdStack(): void;
}

type Counted = (typeof COUNTED)[number];

const COUNTED = ["kInit", "kBefore", "kAfter", "kDestroy", "kPromiseResolve"] as const;
const BEFORE = Symbol.for("mqtt-notebooks.kernel.before-termination");

/** To be evaluated on the main thread right before its JavaScript is terminated. */
export const BEFORE_TERMINATION = `globalThis[Symbol.for(${JSON.stringify(BEFORE.description)})]?.()`;

let asyncWrap: AsyncWrap | undefined;

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
}

/** After a termination: forgets the callbacks that never returned, and counts the hooks again. */
export function afterTermination(): void {
  if (!asyncWrap) return;
  const { async_hook_fields: fields, constants } = asyncWrap;
  asyncWrap.clearAsyncIdStack();
  fields[constants.kTotals] = COUNTED.reduce((sum, name) => sum + fields[constants[name]]!, 0);
}

function loadAsyncWrap(): AsyncWrap | undefined {
  const { binding } = process as unknown as { binding(name: string): AsyncWrap };
  const before = process.noDeprecation;
  process.noDeprecation = true;
  try {
    return binding("async_wrap");
  } catch {
    return undefined; // a Node without it: such an interrupt ends in a restart
  } finally {
    process.noDeprecation = before;
  }
}
