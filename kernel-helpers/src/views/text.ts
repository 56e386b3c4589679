import { visible } from "./escape";

/** Columns that a terminal gives to a text: combining marks none, East Asian wide characters and emoji two. */
export function width(text: string): number {
  if (ONE_EACH.test(text)) return text.length;
  let columns = 0;
  for (const one of graphemes(text)) columns += graphemeWidth(one);
  return columns;
}

/** Most text: each code unit is one character and one column. */
const ONE_EACH = /^[ -~\u00a1-\u00ac\u00ae-\u02ff\u2026]*$/;

/** Made when first needed: that takes longer than to load all of the views. */
let segmenter: Intl.Segmenter | undefined;

/** What a reader takes for one character: an emoji with its joiners, a letter with its marks. */
export function graphemes(text: string): string[] {
  if (PLAIN.test(text)) return [...text];
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return Array.from(segmenter.segment(text), (part) => part.segment);
}

/** Latin, arrows, box drawing and our own marks need no segmenter, which is slow. */
const PLAIN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are one character each, too
  /^[\u0000-\u02ff\u2010-\u2027\u2030-\u205e\u2190-\u2193\u2200-\u22ff\u2400-\u2426\u2500-\u25fc\u2713-\u2717\u27e8\u27e9]*$/;

function graphemeWidth(one: string): number {
  const code = one.codePointAt(0) as number;
  if (code < 0x20 || code === 0x7f) return 0;
  if (code < 0x300) return 1;
  if (/^\p{M}+$/u.test(one)) return 0;
  if (/\p{Emoji_Presentation}|\ufe0f/u.test(one)) return 2;
  return WIDE.test(one) ? 2 : 1;
}

const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;

/** Cuts to so many columns, with an ellipsis in the last one where something is missing. */
export function truncate(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let kept = "";
  let used = 0;
  for (const one of graphemes(text)) {
    const next = graphemeWidth(one);
    if (used + next > columns - 1) break;
    kept += one;
    used += next;
  }
  return columns > 0 ? `${kept}…` : "";
}

export function pad(text: string, columns: number, align: "left" | "right" = "left"): string {
  const space = " ".repeat(Math.max(0, columns - width(text)));
  return align === "left" ? text + space : space + text;
}

/** Breaks at spaces, and inside a word only where the word alone is too long. Always at least one line. */
export function wrap(text: string, columns: number): string[] {
  const limit = Math.max(1, columns);
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (let word of paragraph.split(" ")) {
      if (line && width(line) + 1 + width(word) > limit) {
        lines.push(line);
        line = "";
      }
      while (width(word) > limit) {
        const head = cutHead(word, limit);
        lines.push(head);
        word = word.slice(head.length);
      }
      line = line ? `${line} ${word}` : word;
    }
    lines.push(line);
  }
  return lines;
}

function cutHead(word: string, columns: number): string {
  let kept = "";
  let used = 0;
  for (const one of graphemes(word)) {
    if (kept && used + graphemeWidth(one) > columns) break;
    kept += one;
    used += graphemeWidth(one);
  }
  return kept;
}

export interface TextColumn {
  readonly title: string;
  readonly align?: "left" | "right";
  /** Widest in columns, default 48; longer text is wrapped. */
  readonly max?: number;
}

/** A table for a terminal: header, rule, rows; long cells wrap inside their column; nothing at a line's end. */
export function textTable(columns: readonly TextColumn[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => columns.map((column, i) => wrap(visible(row[i] ?? ""), column.max ?? 48)));
  const titles = columns.map((column) => truncate(visible(column.title), column.max ?? 48));
  const widths = columns.map((_, i) =>
    Math.max(width(titles[i] ?? ""), ...cells.map((row) => Math.max(...(row[i] ?? [""]).map(width)))),
  );
  const line = (parts: readonly string[]) =>
    parts
      .map((part, i) => pad(part, widths[i] ?? 0, columns[i]?.align))
      .join("  ")
      .trimEnd();
  const body = cells.flatMap((row) =>
    Array.from({ length: Math.max(...row.map((cell) => cell.length)) }, (_, i) =>
      line(row.map((cell) => cell[i] ?? "")),
    ),
  );
  return [line(titles), widths.map((n) => "─".repeat(n)).join("  "), ...body].join("\n");
}

/** "1 packet", "3 packets". */
export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;
