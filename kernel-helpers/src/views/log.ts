import { isolate, visible } from "./escape";
import { fold } from "./fold";
import { card, code, emptyCard, htmlTable, inlineCode } from "./html";
import { count, textTable } from "./text";
import { colour, tone } from "./theme";
import { type View, view } from "./view";

/** A line of a broker's log and what it means. */
export interface ExplainedLine {
  readonly number: number;
  readonly text: string;
  readonly meaning?: string;
  /** A line that a reader should not miss; shown by a mark and a tint. */
  readonly weight?: "notice" | "warning" | "error";
}

export interface LogData {
  readonly caption: string;
  readonly total: number;
  readonly lines: readonly ExplainedLine[];
}

const WEIGHTS = {
  notice: { mark: "●", tint: tone.ok.tint },
  warning: { mark: "▲", tint: tone.warn.tint },
  error: { mark: "✗", tint: tone.bad.tint },
} as const;

const LONGEST = 2_000;

/**
 * A broker's log, its meaning beside each line.
 * @param options.limit how many lines before the middle folds, default 60.
 */
export function logView(
  lines: readonly ExplainedLine[],
  options: { caption?: string; limit?: number } = {},
): View<"log", LogData> {
  const caption = options.caption ?? "The broker's log";
  const { head, folded, tail } = fold(lines, options.limit ?? 60);
  const kept = [...head, ...tail].map((line) => ({ ...line, text: line.text.slice(0, LONGEST) }));
  const data: LogData = { caption, total: lines.length, lines: kept };
  if (!lines.length) {
    const text = `${visible(caption)}: no lines yet`;
    return view("log", data, { as: "html", picture: emptyCard(text), text });
  }
  const title = `${caption}: ${count(lines.length, "line")}`;
  const gap = folded.length
    ? `${count(folded.length, "line")} not shown: ${folded[0]?.number} to ${folded.at(-1)?.number}`
    : "";
  const rows = kept.flatMap((line, i) => {
    const before = kept[i - 1];
    if (gap && i === head.length) return [aside("⋮", gap), told(line)];
    // Lines of two brokers in one table: numbers begin again.
    if (before && line.number <= before.number) return [aside("", "here another log begins"), told(line)];
    return [told(line)];
  });
  return view("log", data, {
    as: "html",
    picture: card(
      htmlTable(
        title,
        [{ title: "#", align: "right", nowrap: true }, { title: "What the broker wrote" }, { title: "What it means" }],
        rows.map((row) => row.html),
        { tint: (row) => rows[row]?.tint },
      ),
    ),
    text: `${visible(title)}\n\n${textTable(
      [{ title: "" }, { title: "#", align: "right" }, { title: "line", max: 64 }, { title: "meaning", max: 48 }],
      rows.map((row) => row.plain),
    )}`,
  });
}

interface Row {
  readonly html: readonly string[];
  readonly plain: readonly string[];
  readonly tint?: string;
}

/** A line that the broker indents: its tab is no character to show. */
export const indented = (text: string): string => text.replace(/^\t/, "\u00a0\u00a0\u00a0\u00a0");

function told(line: ExplainedLine): Row {
  const { mark, tint } = line.weight ? WEIGHTS[line.weight] : { mark: "", tint: undefined };
  const { number, meaning = "" } = line;
  const text = indented(line.text);
  return {
    html: [`${mark} ${number}`.trim(), code(text), `<bdi>${inlineCode(meaning)}</bdi>`],
    plain: [mark, String(number), text, meaning],
    tint,
  };
}

/** A row that is no line of the log. */
const aside = (mark: string, says: string): Row => ({
  html: [mark, `<span style="color:${colour.muted}">${isolate(says)}</span>`, ""],
  plain: ["", mark, says, ""],
  tint: colour.quiet,
});
