/**
 * How values travel between a learner's kernel and a check: plain data is copied, functions become stubs that call back,
 * a lab's own handles (brokers, taps) become references. In a lesson both sides are one process, and the same copy is
 * made: a check sees the same in both. Page-safe: no Node built-in.
 */
import { Opaque } from "./show-value";

/** JSON that `encode` writes. Objects with a "$" are marked values; a learner's own "$" key is escaped by one. */
export type Encoded = null | boolean | number | string | readonly Encoded[] | { readonly [key: string]: Encoded };

export type HandleKind = "broker" | "tap";

/** The sending side: what it knows as handles, and where it keeps functions that may be called back. */
export interface Sender {
  refer?(value: object): { kind: HandleKind; id: string } | undefined;
  keep?(fn: (...args: unknown[]) => unknown): number;
  /** True for a Proxy: its traps are a learner's code, and are not run. */
  isProxy?(value: object): boolean;
}

/** The receiving side. An unknown handle or function becomes an opaque value. */
export interface Receiver {
  resolve?(kind: HandleKind, id: string): unknown;
  stub?(id: number): (...args: unknown[]) => Promise<unknown>;
}

/** No value of a lesson comes near these; a hostile one ends here. */
export const LIMITS = { depth: 16, nodes: 100_000, text: 1_000_000 } as const;

class Budget {
  #nodes = 0;
  #text = 0;

  node(): void {
    if (++this.#nodes > LIMITS.nodes) throw new TooMuch(`more than ${LIMITS.nodes} values`);
  }

  text(length: number): void {
    this.#text += length;
    if (this.#text > LIMITS.text) throw new TooMuch(`more than ${LIMITS.text} characters`);
  }
}

class TooMuch extends Error {}

/** Never throws: what cannot be copied becomes an opaque value that says what it is. */
export function encode(value: unknown, sender: Sender = {}): Encoded {
  try {
    return write(value, sender, new Budget(), 0, new Set());
  } catch (error) {
    return opaque(error instanceof TooMuch ? `a value too large to check (${error.message})` : "an unreadable value");
  }
}

/**
 * Reads what `encode` wrote. The text may come from a hostile peer: shapes are checked, nothing of it is called.
 * @throws RangeError when it is too deep or too large.
 */
export function decode(encoded: Encoded, receiver: Receiver = {}): unknown {
  return read(encoded, receiver, new Budget(), 0);
}

const opaque = (text: string): Encoded => ({ $: "opaque", v: text });

function write(value: unknown, sender: Sender, budget: Budget, depth: number, above: Set<object>): Encoded {
  budget.node();
  switch (typeof value) {
    case "string":
      budget.text(value.length);
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { $: "number", v: numberText(value) };
    case "boolean":
      return value;
    case "undefined":
      return { $: "undefined" };
    case "bigint": {
      const digits = value.toString();
      budget.text(digits.length);
      return { $: "bigint", v: digits };
    }
    case "symbol":
      return opaque("a symbol");
    case "function":
      return writeFunction(value as (...args: unknown[]) => unknown, sender);
    default:
      return value === null ? null : writeObject(value as object, sender, budget, depth, above);
  }
}

function writeFunction(fn: (...args: unknown[]) => unknown, sender: Sender): Encoded {
  return sender.keep ? { $: "function", v: sender.keep(fn) } : opaque("a function");
}

function writeObject(value: object, sender: Sender, budget: Budget, depth: number, above: Set<object>): Encoded {
  if (sender.isProxy?.(value)) return opaque("a Proxy");
  const handle = sender.refer?.(value);
  if (handle) return { $: handle.kind, v: handle.id };
  if (above.has(value)) return opaque("a value that contains itself");
  if (depth >= LIMITS.depth) return opaque("a value nested too deeply");
  above.add(value);
  try {
    return writeKind(value, sender, budget, depth + 1, above);
  } catch (error) {
    if (error instanceof TooMuch) throw error;
    return opaque("a value that could not be read");
  } finally {
    above.delete(value);
  }
}

function writeKind(value: object, sender: Sender, budget: Budget, depth: number, above: Set<object>): Encoded {
  const inner = (one: unknown) => write(one, sender, budget, depth, above);
  if (value instanceof Uint8Array) {
    budget.text(value.length * 2);
    return { $: "bytes", v: toBase64(value) };
  }
  if (Array.isArray(value)) return writeArray(value, inner);
  if (value instanceof Date) return { $: "date", v: numberText(Number(value)) };
  if (value instanceof Map) return { $: "map", v: [...value].map(([key, one]) => [inner(key), inner(one)]) };
  if (value instanceof Set) return { $: "set", v: [...value].map(inner) };
  if (value instanceof Error) return { $: "error", v: writeError(value, inner) };
  if (value instanceof Promise) return opaque("a promise (await it first)");
  return writeProperties(value, inner);
}

function writeArray(value: readonly unknown[], inner: (one: unknown) => Encoded): Encoded {
  const out: Encoded[] = [];
  // By index and descriptor: an iterator or a getter of the learner's would be code.
  for (let i = 0; i < value.length; i++) {
    const slot = Object.getOwnPropertyDescriptor(value, i);
    out.push(slot && !("value" in slot) ? opaque("a computed value") : inner(slot?.value));
  }
  return out;
}

function writeError(error: Error, inner: (one: unknown) => Encoded): Encoded {
  const out: Record<string, Encoded> = {};
  for (const key of ["name", "message", "code", "hint", "reasonCode"]) {
    const found = ownOrInherited(error, key);
    if (typeof found === "string" || typeof found === "number") out[key] = inner(found);
  }
  return out;
}

function ownOrInherited(error: object, key: string): unknown {
  for (let at: object | null = error; at; at = Object.getPrototypeOf(at)) {
    const slot = Object.getOwnPropertyDescriptor(at, key);
    if (slot) return slot.value;
  }
  return undefined;
}

function writeProperties(value: object, inner: (one: unknown) => Encoded): Encoded {
  const out: Record<string, Encoded> = {};
  for (const key of Object.keys(value)) {
    const slot = Object.getOwnPropertyDescriptor(value, key);
    if (!slot) continue;
    put(out, key, "value" in slot ? inner(slot.value) : opaque("a computed value"));
  }
  return Object.hasOwn(out, "$") ? { $: "object", v: out } : out;
}

/** Assignment that treats "__proto__" as the ordinary key it is in JSON. */
function put(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

function read(encoded: Encoded, receiver: Receiver, budget: Budget, depth: number): unknown {
  budget.node();
  // Marked values nest two levels of JSON for one of data.
  if (depth > LIMITS.depth * 2 + 4) throw new RangeError("a value nested too deeply");
  if (typeof encoded !== "object" || encoded === null) return encoded;
  const inner = (one: Encoded) => read(one, receiver, budget, depth + 1);
  if (Array.isArray(encoded)) return encoded.map(inner);
  const marked = encoded as { readonly [key: string]: Encoded };
  return Object.hasOwn(marked, "$") ? readMarked(marked.$, marked.v, receiver, inner) : readProperties(marked, inner);
}

function readProperties(encoded: { readonly [key: string]: Encoded }, inner: (one: Encoded) => unknown): object {
  const out = {};
  for (const [key, one] of Object.entries(encoded)) put(out, key, inner(one));
  return out;
}

function readMarked(
  mark: Encoded | undefined,
  v: Encoded | undefined,
  receiver: Receiver,
  inner: (one: Encoded) => unknown,
) {
  const text = typeof v === "string" ? v : "";
  const list = Array.isArray(v) ? (v as readonly Encoded[]) : [];
  switch (mark) {
    case "undefined":
      return undefined;
    case "number":
      return Number(text);
    case "bigint":
      return /^-?\d+$/.test(text) ? BigInt(text) : new Opaque("an unreadable number");
    case "bytes":
      return fromBase64(text);
    case "date":
      return new Date(Number(text));
    case "map":
      return new Map(list.filter(isPair).map(([key, one]) => [inner(key), inner(one)]));
    case "set":
      return new Set(list.map(inner));
    case "object":
      return isRecord(v) ? readProperties(v, inner) : new Opaque("an unreadable value");
    case "error":
      return readError(isRecord(v) ? v : {}, inner);
    case "function":
      return (typeof v === "number" && receiver.stub?.(v)) || new Opaque("a function");
    case "broker":
    case "tap":
      return receiver.resolve?.(mark, text) ?? new Opaque(`a ${mark} that is none of this lab's`);
    default:
      return new Opaque(mark === "opaque" && text ? text.slice(0, 200) : "an unreadable value");
  }
}

const isPair = (one: Encoded): one is readonly [Encoded, Encoded] => Array.isArray(one) && one.length === 2;

const isRecord = (one: Encoded | undefined): one is { readonly [key: string]: Encoded } =>
  typeof one === "object" && one !== null && !Array.isArray(one);

/** An Error whose stack says nothing: it was made here, not where it was thrown. */
function readError(fields: { readonly [key: string]: Encoded }, inner: (one: Encoded) => unknown): Error {
  const error = new Error(typeof fields.message === "string" ? fields.message : "");
  error.stack = undefined;
  for (const key of ["name", "code", "hint", "reasonCode"]) {
    const found = fields[key];
    if (typeof found === "string" || typeof found === "number") put(error, key, inner(found));
  }
  return error;
}

function numberText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}

function fromBase64(text: string): Uint8Array | Opaque {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return new Opaque("unreadable bytes");
  }
}
