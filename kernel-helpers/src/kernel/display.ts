import type { MimeBundle } from "../views/view";
import { type CurrentCell, type DisplayOptions, HOOK, type KernelHook, type Rescue } from "./hook";

export type { CurrentCell, DisplayOptions, UncompiledCell } from "./hook";

const hook = (): KernelHook | undefined => (globalThis as { [HOOK]?: KernelHook })[HOOK];

/**
 * Shows a MIME bundle in the running cell. With `id` it can be replaced later by `update: true` and the same id.
 * Outside of the kernel (a script, a test) its text/plain is printed.
 */
export function publishDisplay(bundle: MimeBundle, options: DisplayOptions = {}): void {
  const kernel = hook();
  if (kernel) kernel.publishDisplay(bundle, options);
  else if (typeof bundle["text/plain"] === "string") console.log(bundle["text/plain"]);
}

/** Takes the running cell's output away: at once, or (`wait`) when the next output comes. Nothing outside of the kernel. */
export function clearOutput(wait = false): void {
  hook()?.clearOutput(wait);
}

/**
 * Runs a function when the kernel leaves: at shutdown, restart, SIGTERM, SIGHUP, or when its parent is gone. All of them
 * together have two seconds. In plain Node it runs when the event loop is empty, the last moment for anything async.
 *
 * @returns a function that forgets the registration.
 */
export function onKernelExit(run: () => void | Promise<void>): () => void {
  const kernel = hook();
  if (kernel) return kernel.onExit(run);
  const once = (): void => {
    void run();
  };
  process.once("beforeExit", once);
  return () => process.off("beforeExit", once);
}

/** The cell that the caller's code belongs to, also from its timers and callbacks; undefined outside of the kernel. */
export function currentCell(): CurrentCell | undefined {
  return hook()?.currentCell();
}

/**
 * Runs a function when the caller's cell ends: with a value, an error or an interrupt, while what it shows still belongs
 * to the cell. It must not take long.
 *
 * @returns a function that forgets the registration; undefined outside of a running cell, where nothing will be run.
 */
export function onCellEnd(run: () => void): (() => void) | undefined {
  return hook()?.onCellEnd?.(run);
}

/**
 * Asks `rescue` about each cell that does not compile, before its errors are shown.
 * @returns a function that forgets the registration.
 */
export const onUncompiled = (rescue: Rescue): (() => void) => hook()?.onUncompiled?.(rescue) ?? (() => undefined);

/** Texts of the cells that ran in this kernel, oldest first; none outside of the kernel. */
export const ranCells = (): readonly string[] => hook()?.ranCells?.() ?? [];
