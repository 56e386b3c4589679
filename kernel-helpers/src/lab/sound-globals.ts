import { EventEmitter } from "node:events";
import * as timers from "node:timers";
import * as timersPromises from "node:timers/promises";

type Slots = ReadonlyMap<PropertyKey, PropertyDescriptor>;

/** Names of the global object that checks, helpers and MQTT.js rely on. A cell's console is left as it is: nothing here reads it. */
const GLOBALS = (
  "setTimeout clearTimeout setInterval clearInterval setImmediate clearImmediate queueMicrotask structuredClone " +
  "Promise Array Map Set WeakMap WeakSet Object JSON Math Date Error TypeError RangeError String Number Boolean BigInt " +
  "Symbol RegExp Function Reflect Proxy Buffer Uint8Array DataView ArrayBuffer TextEncoder TextDecoder URL " +
  "AbortController parseInt parseFloat isNaN isFinite encodeURIComponent decodeURIComponent"
).split(" ");

/** Objects whose methods a cell may have replaced: of the language, and of Node what packets pass through. */
const HOLDERS: readonly object[] = [
  ...[Array, Map, Set, WeakMap, Promise, Object, String, Number, Date, RegExp, Error, Function, Uint8Array].flatMap(
    (one) => [one, one.prototype],
  ),
  ...[JSON, Math, Reflect, Buffer, EventEmitter.prototype],
  // `mock.timers` of Node's own test runner, say.
  ...[unwrapped(timers), unwrapped(timersPromises)],
];

/** CommonJS: the module object itself, not a copy of its names. */
function unwrapped(module: object): object {
  return (module as { default?: object }).default ?? module;
}

const slotsOf = (holder: object, keys: readonly PropertyKey[] = Reflect.ownKeys(holder)): Slots =>
  new Map(
    keys.flatMap((key) => {
      const slot = Object.getOwnPropertyDescriptor(holder, key);
      return slot ? [[key, slot] as const] : [];
    }),
  );

/** As they were when the helpers were loaded, before any cell of the lab could touch them. */
const SOUND: readonly (readonly [object, Slots])[] = [
  [globalThis, slotsOf(globalThis, GLOBALS)],
  ...HOLDERS.map((holder) => [holder, slotsOf(holder)] as const),
];
const { defineProperty, getOwnPropertyDescriptor } = Object;
const { ownKeys, deleteProperty } = Reflect;

/**
 * Runs a check with the language as it was before the cells: a timer that somebody faked, a `then` that counts, a
 * method of all arrays must not change what it finds. What cells had made of it comes back afterwards.
 */
export async function withSoundGlobals<Result>(run: () => Promise<Result>): Promise<Result> {
  const undo = makeSound();
  try {
    return await run();
  } finally {
    for (let i = undo.length - 1; i >= 0; i--) undo[i]!();
  }
}

function makeSound(): (() => void)[] {
  // Written without anything that a cell may have replaced, until it is all back.
  const undo: (() => void)[] = [];
  let count = 0;
  const put = (holder: object, key: PropertyKey, slot: PropertyDescriptor): void => {
    const before = getOwnPropertyDescriptor(holder, key);
    if (before && !before.configurable && !(before.writable && "value" in slot)) return;
    defineProperty(holder, key, before?.configurable === false ? { value: slot.value } : slot);
    undo[count++] = () => {
      if (before) defineProperty(holder, key, before.configurable ? before : { value: before.value });
      else deleteProperty(holder, key);
    };
  };
  for (let i = 0; i < SOUND_KEYS.length; i++) {
    const { holder, key, slot } = SOUND_KEYS[i]!;
    const now = getOwnPropertyDescriptor(holder, key);
    if (!now || now.value !== slot.value || now.get !== slot.get || now.set !== slot.set) put(holder, key, slot);
  }
  for (let i = 1; i < SOUND.length; i++) {
    const [holder, slots] = SOUND[i]!;
    const keys = ownKeys(holder);
    for (let k = 0; k < keys.length; k++) {
      const key = keys[k]!;
      const slot = slots.has(key) ? undefined : getOwnPropertyDescriptor(holder, key);
      if (!slot?.configurable) continue;
      // A method of one's own stays there for one's own functions, but not in the way of a for … in.
      if (slot.enumerable) put(holder, key, { ...slot, enumerable: false });
    }
  }
  return undo;
}

/** One by one, so that they can be put back without any method of a list. */
const SOUND_KEYS = SOUND.flatMap(([holder, slots]) => [...slots].map(([key, slot]) => ({ holder, key, slot })));
