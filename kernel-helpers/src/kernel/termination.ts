import { dirname, join, sep } from "node:path";
import { courseRoot } from "../core/paths";

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
/** The name that the evaluated line has in a stack. */
const EVALUATED = "kernel-before-termination";
const BEFORE = Symbol.for("mqtt-notebooks.kernel.before-termination");

/**
 * To be evaluated on the main thread right before its JavaScript is terminated: asks whether it may be, and gets it ready.
 * @param anyway even in the middle of the kernel's own code.
 */
export const beforeTermination = (anyway: boolean): string =>
  `globalThis[Symbol.for(${JSON.stringify(BEFORE.description)})]?.(${anyway})\n//# sourceURL=${EVALUATED}`;

let asyncWrap: AsyncWrap | undefined;
let left: Immediate[] = [];

/**
 * Makes the main thread survive a termination. Node aborts the process ("async hook stack has become corrupted") when
 * a callback never returns, which is what a termination looks like to it: its two checks are switched off for that
 * moment. Without this only loops in the synchronous part of a cell could be interrupted.
 *
 * @param granted called on this thread, in the middle of what is to be terminated: whether it may be. It hears whether
 * that is code of a cell, and whether it is to be terminated anyway.
 */
export function prepareForTermination(granted: (cellsCode: boolean, anyway: boolean) => boolean): void {
  asyncWrap = loadAsyncWrap();
  const value = (anyway: boolean): void => {
    let cellsCode = true;
    try {
      cellsCode = isCellsCode();
    } catch {
      // A cell has frozen Error: then its own code can't be told from the rest.
    }
    if (granted(cellsCode, anyway)) switchChecksOff();
  };
  Object.defineProperty(globalThis, BEFORE, { value });
}

/**
 * Whether what runs below the evaluated line is code of a cell, or was called by it. With nothing below (the thread
 * waits) a termination would hit whatever comes next: the delivery of a message, which would then be lost. What our own
 * code does by itself between two waits is short, and nobody would ever hear of its other half: a broker that is being
 * started would never stand, and never fail. The same goes for a module that a cell has begun to load.
 */
function isCellsCode(): boolean {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const names: (string | undefined)[] = [];
  Error.prepareStackTrace = (_error, sites) => {
    for (const site of sites) {
      const { isAsync } = site as NodeJS.CallSite & { isAsync(): boolean };
      if (!isAsync.call(site)) names.push(site.getScriptNameOrSourceURL() ?? undefined);
    }
  };
  Error.stackTraceLimit = 200;
  try {
    void new Error().stack;
  } finally {
    Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  }
  const below = names.slice(names.indexOf(EVALUATED) + 1);
  const cells = below.findIndex((name) => !OURS.some((place) => name?.startsWith(place)));
  return cells >= 0 && !below.slice(0, cells).some((name) => name?.startsWith("node:internal/modules/"));
}

/** Node's own code, the kernel's and the helpers', and that of the packages. */
const OURS = ["node:", dirname(__dirname) + sep, join(courseRoot, "node_modules") + sep];

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
