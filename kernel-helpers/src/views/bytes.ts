import { dump, dumpHtml, dumpText } from "./dump";
import { visible } from "./escape";
import { card, emptyCard, heading } from "./html";
import { type ByteField, toBytes, toHex } from "./record";
import { count } from "./text";
import { type View, view } from "./view";

export interface BytesData {
  readonly title: string;
  /** Hex, at most 4,096 bytes. */
  readonly bytes: string;
  readonly length: number;
  readonly fields: readonly ByteField[];
}

const KEPT = 4096;

/**
 * The bytes of a packet, or of anything, with each field's range named.
 * @param options.title default "Bytes". @param options.limit how many bytes to draw, default 512.
 */
export function bytesView(
  bytes: Uint8Array | string,
  fields: readonly ByteField[] = [],
  options: { title?: string; limit?: number } = {},
): View<"bytes", BytesData> {
  const all = toBytes(bytes);
  const title = options.title ?? "Bytes";
  const data: BytesData = { title, bytes: toHex(all.subarray(0, KEPT)), length: all.length, fields: [...fields] };
  if (!all.length) {
    const text = `${visible(title)}: no bytes`;
    return view("bytes", data, { as: "html", picture: emptyCard(text), text });
  }
  const lines = dump(all, fields, { limit: options.limit ?? 512 });
  const size = count(all.length, "byte");
  return view("bytes", data, {
    as: "html",
    picture: card(`${heading(title, size)}${dumpHtml(lines)}`),
    text: `${visible(title)} (${size})\n\n${dumpText(lines)}`,
  });
}
