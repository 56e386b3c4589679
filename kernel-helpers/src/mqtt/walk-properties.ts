import { bytesText, CLOSE, type Cursor, hexCode, Malformed, preview } from "./cursor";
import type { PacketType, Properties, UserProperty } from "./packet";
import { type Property, propertyById } from "./properties";
import { type Draft, note } from "./walk";

/** The packet's own properties; none, and the packet has no `properties`. */
export function readProperties(cursor: Cursor, draft: Draft, of: PacketType): void {
  const properties = readPropertiesOf(cursor, draft, of);
  if (properties) draft.properties = properties;
}

/** Properties (2.2.2): their length, then each by its identifier. Undefined when there are none. */
export function readPropertiesOf(cursor: Cursor, draft: Draft, of: PacketType | "WILL"): Properties | undefined {
  const length = cursor.variable("the Property Length");
  const end = cursor.position + length;
  if (end > cursor.end) {
    throw new Malformed(`the Property Length says ${length}, the packet has ${cursor.left} bytes left`, CLOSE);
  }
  cursor.mark(of === "WILL" ? "Will Property Length" : "Property Length", () =>
    length ? bytesText(length) : "0: none",
  );
  if (!length) return undefined;
  const found: Record<string, unknown> = {};
  while (cursor.position < end) readOne(cursor, draft, of, found);
  if (cursor.position > end) throw new Malformed("a property reaches beyond the Property Length", CLOSE);
  return found as Properties;
}

function readOne(cursor: Cursor, draft: Draft, of: PacketType | "WILL", found: Record<string, unknown>): void {
  const id = cursor.variable("a property's identifier");
  const property = propertyById.get(id);
  if (!property) throw new Malformed(`${hexCode(id)} is no property of MQTT 5`, CLOSE);
  const { key, name } = property;
  if (!property.of.includes(of)) note(draft, `${name} does not belong in ${of === "WILL" ? "a will" : of}`, CLOSE);
  const value = readValue(cursor, draft, property);
  cursor.mark(name, () => valueText(property, value));
  if (property.repeats) {
    found[key] ??= [];
    const all = found[key] as unknown[];
    all.push(value);
    if (key === "subscriptionIdentifier" && of === "SUBSCRIBE" && all.length > 1) twice(draft, name);
  } else {
    if (key in found) twice(draft, name);
    found[key] = value;
  }
}

const twice = (draft: Draft, name: string) => note(draft, `${name} stands in the packet twice`, CLOSE);

function readValue(cursor: Cursor, draft: Draft, { kind, name }: Property): unknown {
  switch (kind) {
    case "byte":
    case "flag": {
      const byte = cursor.byte(name);
      if (byte > 1) note(draft, `${name} is ${byte} and may be 0 or 1`, CLOSE);
      return kind === "flag" ? byte !== 0 : byte;
    }
    case "two":
      return nonZero(draft, name, cursor.two(name));
    case "four":
      return nonZero(draft, name, cursor.four(name));
    case "variable":
      return nonZero(draft, name, cursor.variable(name));
    case "string":
      return cursor.string(name);
    case "binary":
      return cursor.binary(name);
    case "pair":
      return { name: cursor.string("a User Property's name"), value: cursor.string("a User Property's value") };
  }
}

const NEVER_ZERO = new Set(["Receive Maximum", "Maximum Packet Size", "Subscription Identifier", "Topic Alias"]);

function nonZero(draft: Draft, name: string, value: number): number {
  if (value === 0 && NEVER_ZERO.has(name)) {
    note(draft, `${name} must not be 0`, name === "Topic Alias" ? "[MQTT-3.3.2-8]" : CLOSE);
  }
  return value;
}

function valueText({ kind, unit }: Property, value: unknown): string {
  if (kind === "pair") {
    const pair = value as UserProperty;
    return `${JSON.stringify(pair.name)} = ${JSON.stringify(pair.value)}`;
  }
  if (value instanceof Uint8Array)
    return preview(value) === undefined ? bytesText(value.length) : JSON.stringify(preview(value));
  if (value === 0xffffffff && unit === "s") return "never";
  return typeof value === "string" ? JSON.stringify(value) : `${value}${unit ? ` ${unit}` : ""}`;
}
