/** A learner's value that is not copied into a check (a promise, a Proxy, something huge). Equal to nothing. */
export class Opaque {
  constructor(readonly what: string) {}
}

/**
 * A value as a card shows it: short, one line, the same on every run. Cells' values are hostile until proven otherwise,
 * so nothing here calls their methods (a `toString` or `toJSON` of a learner's object never runs).
 */
export function showValue(value: unknown, limit = 160): string {
  return shorten(write(value, 0), limit);
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "bigint":
      return `${value}n`;
    case "function":
      return "a function";
    case "symbol":
      return "a symbol";
    case "object":
      return value === null ? "null" : writeObject(value, depth);
    default:
      return Object.is(value, -0) ? "-0" : String(value);
  }
}

function writeObject(value: object, depth: number): string {
  if (value instanceof Opaque) return value.what;
  if (value instanceof Uint8Array)
    return `bytes ${[...value.subarray(0, 32)].map((b) => b.toString(16).padStart(2, "0")).join(" ")}${value.length > 32 ? ` … (${value.length})` : ""}`;
  if (value instanceof Date) return Number.isNaN(Number(value)) ? "an invalid date" : value.toISOString();
  if (value instanceof Map) return `Map ${write([...value], depth)}`;
  if (value instanceof Set) return `Set ${write([...value], depth)}`;
  if (value instanceof Error) return `${ownText(value, "name") ?? "Error"}: ${ownText(value, "message") ?? ""}`;
  if (depth > 2) return Array.isArray(value) ? "[…]" : "{…}";
  if (Array.isArray(value))
    return `[${value
      .slice(0, 24)
      .map((one) => write(one, depth + 1))
      .join(", ")}${value.length > 24 ? `, … ${value.length} in all` : ""}]`;
  const entries = Object.entries(Object.getOwnPropertyDescriptors(value)).filter(([, property]) => property.enumerable);
  const shown = entries
    .slice(0, 12)
    .map(([key, property]) => `${key}: ${"value" in property ? write(property.value, depth + 1) : "(computed)"}`);
  return `{${shown.join(", ")}${entries.length > 12 ? ", …" : ""}}`;
}

function ownText(value: object, key: string): string | undefined {
  const found = Object.getOwnPropertyDescriptor(value, key)?.value;
  return typeof found === "string" ? found : undefined;
}

function shorten(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

/** Deep equality of plain data: numbers by Object.is, bytes by content, objects by own enumerable keys. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a instanceof Opaque) return false;
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (b instanceof Opaque) return false;
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return (
      a instanceof Uint8Array && b instanceof Uint8Array && a.length === b.length && a.every((byte, i) => byte === b[i])
    );
  }
  if (a instanceof Date || b instanceof Date) {
    return a instanceof Date && b instanceof Date && Object.is(Number(a), Number(b));
  }
  if (a instanceof Map || b instanceof Map || a instanceof Set || b instanceof Set) return sameCollection(a, b);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every(
    (key) =>
      Object.hasOwn(b, key) && sameValue((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
  );
}

/** Maps and Sets, in the order of their entries. */
function sameCollection(a: object, b: object): boolean {
  const kindOf = (one: object) => (one instanceof Map ? "map" : one instanceof Set ? "set" : "other");
  if (kindOf(a) !== kindOf(b)) return false;
  return sameValue([...(a as Iterable<unknown>)], [...(b as Iterable<unknown>)]);
}
