import { escapeText, visible } from "./escape";
import { type ByteField, hexByte } from "./record";
import { pad, truncate, width, wrap } from "./text";
import { colour, font, tints } from "./theme";

/** A line of a hexdump: bytes `start` to `end` of the packet, and the field that they begin or go on with. */
export interface DumpLine {
  readonly start: number;
  readonly hex: string;
  readonly ascii: string;
  /** Which field of the list, to alternate its background. */
  readonly field: number;
  /** Set on the field's first line only. */
  readonly name?: string;
  readonly text?: string;
  /** A line that stands for bytes that are not shown. */
  readonly skipped?: number;
}

const PER_LINE = 8;

/**
 * A hexdump by field: each field starts its own line, so its range can be named beside it.
 * Bytes that no field covers are named too, fields out of range are cut, overlaps show their bytes once.
 * @param options.limit how many bytes to show, default 256; of a long field the first and last lines stay.
 */
export function dump(
  bytes: Uint8Array,
  fields: readonly ByteField[],
  options: { limit?: number; length?: number } = {},
): DumpLine[] {
  const limit = Math.max(PER_LINE * 4, options.limit ?? 256);
  const lines: DumpLine[] = [];
  ranges(bytes.length, fields).forEach((range, index) => {
    const all = fieldLines(bytes, range, index);
    const left = Math.max(4, Math.floor((limit - shownBytes(lines)) / PER_LINE));
    if (all.length <= left) lines.push(...all);
    else {
      const head = all.slice(0, left - 2);
      const tail = all.slice(-1);
      const skipped = (tail[0]?.start ?? 0) - ((head.at(-1)?.start ?? 0) + PER_LINE);
      lines.push(
        ...head,
        { start: (head.at(-1)?.start ?? 0) + PER_LINE, hex: "", ascii: "", field: index, skipped },
        ...tail,
      );
    }
  });
  const missing = (options.length ?? bytes.length) - bytes.length;
  if (missing > 0) lines.push({ start: bytes.length, hex: "", ascii: "", field: fields.length, skipped: missing });
  return lines;
}

const shownBytes = (lines: readonly DumpLine[]): number =>
  lines.reduce((sum, line) => sum + (line.hex.length + 1) / 3, 0);

function ranges(length: number, fields: readonly ByteField[]): ByteField[] {
  const sorted = fields
    .filter((field) => field.start < length && field.end > field.start)
    .sort((a, b) => a.start - b.start || a.end - b.end);
  const all: ByteField[] = [];
  let next = 0;
  for (const field of sorted) {
    const start = Math.max(next, Math.trunc(field.start));
    const end = Math.min(length, Math.trunc(field.end));
    if (start > next) all.push({ name: "(not named)", start: next, end: start });
    if (end > start) all.push({ ...field, start, end });
    next = Math.max(next, end);
  }
  if (next < length) all.push({ name: sorted.length ? "(not named)" : "bytes", start: next, end: length });
  return all;
}

function fieldLines(bytes: Uint8Array, range: ByteField, field: number): DumpLine[] {
  const lines: DumpLine[] = [];
  for (let start = range.start; start < range.end; start += PER_LINE) {
    const slice = bytes.subarray(start, Math.min(range.end, start + PER_LINE));
    const first = start === range.start;
    lines.push({
      start,
      hex: Array.from(slice, hexByte).join(" "),
      ascii: asciiOf(slice),
      field,
      ...(first ? { name: range.name, text: range.text ?? "" } : {}),
    });
  }
  return lines;
}

export const asciiOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");

const offset = (n: number): string => n.toString(16).padStart(4, "0");

const left = (line: DumpLine): string =>
  line.skipped
    ? `${offset(line.start)}  … ${line.skipped} byte${line.skipped === 1 ? "" : "s"} more`
    : `${offset(line.start)}  ${pad(line.hex, PER_LINE * 3 - 1)}  ${pad(line.ascii, PER_LINE)}`;

/** For a terminal: offset, bytes, text, field. */
export function dumpText(lines: readonly DumpLine[], columns = 110): string {
  return lines
    .map((line) => {
      const names =
        line.name === undefined ? "" : `  ${visible(line.name)}${line.text ? `: ${visible(line.text)}` : ""}`;
      return truncate(`${left(line)}${names}`, columns).trimEnd();
    })
    .join("\n");
}

/**
 * The same as HTML: neighbouring fields differ by background, and each says its name, broken into lines of `room`
 * columns beside its bytes. What is wider still scrolls in its own box.
 */
export function dumpHtml(lines: readonly DumpLine[], room = 72): string {
  const rows: string[] = [];
  let waiting: string[] = [];
  let tint: string = colour.card;
  const put = (bytes: string) =>
    rows.push(`<span style="background-color:${tint}">${escapeText(pad(bytes, LEFT))}</span> ${waiting.shift() ?? ""}`);
  const rest = () => {
    while (waiting.length) put("");
  };
  for (const line of lines) {
    if (line.name !== undefined) {
      rest();
      waiting = named(line.name, truncate(line.text ?? "", 160), room);
    }
    tint = line.field % 2 ? colour.card : tints[0];
    put(left(line));
  }
  rest();
  return (
    `<pre style="margin:4px 0;padding:6px 8px;background-color:${colour.card};color:${colour.ink};border:1px solid ${colour.edge};` +
    `border-radius:4px;font-family:${font.mono};font-size:${font.small}px;line-height:1.45;overflow-x:auto;white-space:pre">${rows.join("\n")}</pre>`
  );
}

/** Offset, eight bytes, eight characters. */
const LEFT = 4 + 2 + (PER_LINE * 3 - 1) + 2 + PER_LINE;

/** The field's name in bold and what its bytes say: on one line where they fit, else one below the other. */
function named(name: string, text: string, room: number): string[] {
  const bold = (line: string) => `<b>${escapeText(line)}</b>`;
  const said = (line: string) => `<bdi>${escapeText(line)}</bdi>`;
  const [head, tail] = [visible(name), visible(text)];
  if (!tail) return wrap(head, room).map(bold);
  if (width(head) + 1 + width(tail) <= room) return [`${bold(head)} ${said(tail)}`];
  return [...wrap(head, room).map(bold), ...wrap(tail, room).map(said)];
}
