import { inspect } from "node:util";

/** What Node up to 22 writes onto each promise while an AsyncLocalStorage is in use. */
const NODES_OWN = new Set(["async_id_symbol", "trigger_async_id_symbol", "kResourceStore"]);

/**
 * A promise that a cell forgot to await prints as `Promise { <pending> }`, without the notes by which the kernel knows
 * the cell that made it: they would fill a page.
 */
export function printPromisesPlainly(): void {
  Object.defineProperty(Promise.prototype, inspect.custom, { value: hideNotes, configurable: true, writable: true });
}

/** Given itself back, `inspect` goes on as if there were no custom function. */
function hideNotes<T extends object>(this: T): T {
  for (const symbol of Object.getOwnPropertySymbols(this)) {
    if (NODES_OWN.has(symbol.description ?? "")) Object.defineProperty(this, symbol, { enumerable: false });
  }
  return this;
}
