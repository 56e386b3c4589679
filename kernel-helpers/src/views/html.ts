import { escapeText, isolate } from "./escape";
import { measure } from "./svg";
import { colour, font, type Tone, tone } from "./theme";

/**
 * Pieces of HTML that survive an untrusted notebook: inline styles only, no ids, no style element, no script. Styles are
 * said again on every cell because JupyterLab styles tables by element name.
 */

const CARD =
  `background-color:${colour.card};color:${colour.ink};border:1px solid ${colour.edge};border-radius:6px;` +
  `padding:12px 14px;margin:4px 0;font-family:${font.sans};font-size:${font.size}px;line-height:1.5;` +
  "max-width:980px;overflow-x:auto;text-align:left;";

export const card = (inside: string, extra = ""): string => `<div style="${CARD}${extra}">${inside}</div>`;

/** A line that is there instead of a picture: "no packets yet". */
export const emptyCard = (text: string): string =>
  card(`<p style="margin:0;color:${colour.muted}">${escapeText(text)}</p>`);

export const heading = (text: string, sub = ""): string =>
  `<div style="font-weight:600;margin:0 0 6px 0">${escapeText(text)}${sub ? ` <span style="font-weight:400;color:${colour.muted}">${escapeText(sub)}</span>` : ""}</div>`;

/** A word with its mark and colour: "✓ passed". */
export function badge(kind: Tone, text: string): string {
  const { text: ink, tint, mark } = tone[kind];
  return `<span style="display:inline-block;background-color:${tint};color:${ink};border:1px solid ${ink};border-radius:4px;padding:0 7px;font-weight:600;white-space:nowrap">${mark} ${escapeText(text)}</span>`;
}

export interface HtmlColumn {
  readonly title: string;
  readonly align?: "left" | "right";
  readonly mono?: boolean;
  readonly nowrap?: boolean;
}

/** Digits of a number stay together, however narrow the page is. */
const unbroken = (column: HtmlColumn): boolean => column.nowrap === true || column.align === "right";

/** Of a column's cells, in characters: on a narrow page a topic breaks late, not after each letter. */
function longestWord(rows: readonly (readonly string[])[], column: number): number {
  let longest = 0;
  for (const row of rows) {
    for (const word of (row[column] ?? "").replace(/<[^>]*>/g, "").split(/\s/))
      longest = Math.max(longest, word.length);
  }
  return Math.min(16, longest);
}

const CELL = `padding:4px 12px 4px 0;vertical-align:top;border:none;border-bottom:1px solid ${colour.edge};background-color:${colour.card};color:${colour.ink};font-size:${font.size}px;line-height:1.5;max-width:none;`;

/**
 * A table of cells that are HTML already. The column `rowHeader` names the row.
 * @param options.tints a background for single rows.
 */
export function htmlTable(
  caption: string,
  columns: readonly HtmlColumn[],
  rows: readonly (readonly string[])[],
  options: { rowHeader?: number; tint?: (row: number) => string | undefined } = {},
): string {
  // A caption is as wide as its table: a narrow table would break it.
  const least = Math.ceil(Math.min(520, measure(caption, { bold: true })));
  const titled = columns.some((column) => column.title);
  const header = columns
    .map((column, i) => {
      const room = column.mono && !unbroken(column) ? `min-width:${longestWord(rows, i)}ch;` : "";
      return `<th scope="col" style="${CELL}${room}text-align:${column.align ?? "left"};font-weight:600;color:${colour.muted};white-space:nowrap">${escapeText(column.title)}</th>`;
    })
    .join("");
  const body = rows
    .map((row, number) => {
      const tint = options.tint?.(number);
      const cells = columns.map((column, i) => {
        const style =
          `${CELL}text-align:${column.align ?? "left"};` +
          `${column.mono ? `font-family:${font.mono};` : ""}${unbroken(column) ? "white-space:nowrap;" : "white-space:normal;overflow-wrap:anywhere;"}` +
          (tint ? `background-color:${tint};` : "");
        return i === (options.rowHeader ?? 0)
          ? `<th scope="row" style="${style}font-weight:600">${row[i] ?? ""}</th>`
          : `<td style="${style}">${row[i] ?? ""}</td>`;
      });
      return `<tr style="background-color:${tint ?? colour.card}">${cells.join("")}</tr>`;
    })
    .join("");
  return (
    `<table style="min-width:${least}px;border-collapse:collapse;border:none;margin:0;font-size:${font.size}px;background-color:${colour.card};color:${colour.ink}">` +
    `<caption style="caption-side:top;text-align:left;font-weight:600;padding:0 0 4px 0;color:${colour.ink};white-space:normal">${escapeText(caption)}</caption>` +
    `${titled ? `<thead><tr style="background-color:${colour.card}">${header}</tr></thead>` : ""}<tbody>${body}</tbody></table>`
  );
}

/** Text of a learner's or a broker's, in the type of code. */
export const code = (text: string): string =>
  `<span style="font-family:${font.mono};font-size:${font.small}px;overflow-wrap:anywhere">${isolate(text)}</span>`;

/** A line with `code` in it. */
export const inlineCode = (line: string): string =>
  line
    .split("`")
    .map((part, i) => (i % 2 ? code(part) : escapeText(part)))
    .join("");

/** Lines of code, as they are; long ones scroll in their own box. */
export const block = (lines: readonly string[]): string =>
  `<pre style="margin:4px 0;padding:8px 10px;background-color:${colour.quiet};color:${colour.ink};border:1px solid ${colour.edge};border-radius:4px;font-family:${font.mono};font-size:${font.small}px;line-height:1.45;overflow-x:auto;white-space:pre">${lines.map((line) => escapeText(line)).join("\n")}</pre>`;

export const paragraph = (html: string, style = ""): string => `<p style="margin:6px 0 0 0;${style}">${html}</p>`;
