import { isolate, visible } from "./escape";
import { fold } from "./fold";
import { card, code, emptyCard, htmlTable, inlineCode } from "./html";
import { indented } from "./log";
import { count, textTable } from "./text";
import { colour, tone } from "./theme";
import { type View, view } from "./view";

/** A line of one of several logs, and what it means. */
export interface LaneLine {
  /** Milliseconds from the beginning. */
  readonly at: number;
  /** Whose line it is: one of the lanes. */
  readonly lane: string;
  readonly number: number;
  readonly text: string;
  readonly meaning?: string;
  readonly weight?: "notice" | "warning" | "error";
}

export interface LogsData {
  readonly caption: string;
  readonly lanes: readonly string[];
  readonly total: number;
  /** In the order of time. */
  readonly lines: readonly LaneLine[];
}

const WEIGHTS = {
  notice: { mark: "●", tint: tone.ok.tint },
  warning: { mark: "▲", tint: tone.warn.tint },
  error: { mark: "✗", tint: tone.bad.tint },
} as const;

const LONGEST = 2_000;

/** Logs of several brokers beside each other: a column each, rows in the order of time, meanings below the lines. */
export function logsView(
  of: Pick<LogsData, "lanes" | "lines">,
  options: { caption?: string; limit?: number } = {},
): View<"logs", LogsData> {
  const caption = options.caption ?? `The logs of ${of.lanes.join(" and ")}`;
  const { head, folded, tail } = fold(of.lines, options.limit ?? 60);
  const kept = [...head, ...tail].map((line) => ({ ...line, text: line.text.slice(0, LONGEST) }));
  const data: LogsData = { caption, lanes: [...of.lanes], total: of.lines.length, lines: kept };
  if (!of.lines.length) {
    const text = `${visible(caption)}: no lines yet`;
    return view("logs", data, { as: "html", picture: emptyCard(text), text });
  }
  const title = `${caption}: ${count(of.lines.length, "line")}`;
  const gap = folded.length ? `${count(folded.length, "line")} not shown` : "";
  const rows = kept.flatMap((line, i) => (gap && i === head.length ? [null, line] : [line]));
  const tint = (line: LaneLine | null) =>
    line === null ? colour.quiet : line.weight ? WEIGHTS[line.weight].tint : undefined;
  return view("logs", data, {
    as: "html",
    picture: card(
      htmlTable(
        title,
        [{ title: "time", align: "right", nowrap: true }, ...of.lanes.map((title) => ({ title }))],
        rows.map((line) => [
          line ? time(line.at) : "⋮",
          ...of.lanes.map((lane, i) => {
            if (!line) return i ? "" : `<span style="color:${colour.muted}">${gap}</span>`;
            return line.lane === lane ? cell(line) : "";
          }),
        ]),
        { tint: (row) => tint(rows[row] ?? null) },
      ),
    ),
    text: `${visible(title)}\n\n${textTable(
      [
        { title: "time", align: "right" },
        { title: "broker", max: 20 },
        { title: "" },
        { title: "line", max: 64 },
        { title: "meaning", max: 48 },
      ],
      rows.map((line) =>
        line
          ? [
              time(line.at),
              line.lane,
              line.weight ? WEIGHTS[line.weight].mark : "",
              indented(line.text),
              line.meaning ?? "",
            ]
          : ["⋮", "", "", gap, ""],
      ),
    )}`,
  });
}

function cell(line: LaneLine): string {
  const mark = line.weight ? `${WEIGHTS[line.weight].mark} ` : "";
  const meaning = line.meaning
    ? `<div style="color:${colour.muted};font-size:12px"><bdi>${inlineCode(line.meaning)}</bdi></div>`
    : "";
  return `${isolate(mark)}${code(indented(line.text))}${meaning}`;
}

/** "+1.204 s": of two brokers the milliseconds tell who spoke first. */
const time = (at: number): string => `+${(at / 1_000).toFixed(3)} s`;
