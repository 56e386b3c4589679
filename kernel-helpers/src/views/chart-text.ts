import type { Bars, ChartData, ChartRow, HeatMap, Lines } from "./chart";
import { linesOf, listOf, short } from "./chart-spec";
import { visible } from "./escape";
import { fold } from "./fold";
import { width as columnsOf, count, pad, textTable, truncate } from "./text";

/** A chart for a terminal: bars of blocks, maps as tables, lines as strips, else the rows themselves. */
export function chartText(data: ChartData): string {
  const { rows, heat, lines, bars } = data;
  const drawn = heat
    ? heatText(rows, heat)
    : lines
      ? linesText(rows, lines)
      : bars
        ? barsText(rows, bars)
        : rowsText(rows);
  return [visible(data.title), visible(data.description), drawn].filter(Boolean).join("\n\n");
}

const MOST_SAID = 40;

/** The values in words, for a screen reader. */
export function chartSentences(data: ChartData): string {
  const { rows, heat, lines, bars } = data;
  const cut = (value: unknown) => truncate(short(value), 40);
  const field = (name: string) => visible(name);
  let said: string[];
  if (heat) {
    said = listOf(heat.value).flatMap((value) =>
      rows.map(
        (row) =>
          `${field(value)} for ${field(heat.y)} ${cut(row[heat.y])} and ${field(heat.x)} ${cut(row[heat.x])}: ${cut(row[value]) || "none"}.`,
      ),
    );
  } else if (lines) {
    said = summaries(rows, lines).map((one) => `${one}.`);
  } else if (bars) {
    const by = (row: ChartRow) => (bars.by === undefined ? "" : `, ${cut(row[bars.by])}`);
    said = rows.map(
      (row) => `${cut(row[bars.name])}${by(row)}: ${cut(row[bars.value]) || "none"} ${field(bars.value)}.`,
    );
  } else {
    said = rows.map(
      (row) =>
        `${Object.entries(row)
          .map(([name, value]) => `${field(name)} ${cut(value)}`)
          .join(", ")}.`,
    );
  }
  const left = said.length - MOST_SAID;
  return [...said.slice(0, MOST_SAID), ...(left > 0 ? [`And ${left} more.`] : [])].join(" ");
}

function heatText(rows: readonly ChartRow[], { x, y, value }: HeatMap): string {
  const distinct = (field: string) => [...new Set(rows.map((row) => short(row[field])))];
  const [across, down] = [distinct(x), distinct(y)];
  const cell = (of: string, left: string, top: string) =>
    short(rows.find((row) => short(row[x]) === top && short(row[y]) === left)?.[of]) || "·";
  return listOf(value)
    .map((of) => {
      const columns = [
        { title: `${y} \\ ${x}`, max: 24 },
        ...across.map((title) => ({ title, align: "right" as const, max: 16 })),
      ];
      return `${visible(of)}\n${textTable(
        columns,
        down.map((left) => [left, ...across.map((top) => cell(of, left, top))]),
      )}`;
    })
    .join("\n\n");
}

const STRIP = 60;
const LEVELS = "▁▂▃▄▅▆▇█";

/** Each line as a strip of blocks, from its x's least to its most and from 0 (or less) to the highest of all. */
function linesText(rows: readonly ChartRow[], of: Lines): string {
  const series = [...linesOf(rows, of)];
  const all = series.flatMap(([, points]) => points);
  const values = all.map((point) => point.y);
  const low = Math.min(0, ...values);
  const high = Math.max(...values, of.limit?.value ?? 0);
  const xs = all.map((point) => point.x);
  const numeric = xs.every((x) => typeof x === "number");
  const order = numeric ? [] : [...new Set(xs)];
  const [from, to] = numeric ? [Math.min(...(xs as number[])), Math.max(...(xs as number[]))] : [0, order.length - 1];
  const slot = (x: number | string) => {
    const at = typeof x === "number" && numeric ? x : order.indexOf(x);
    return to > from ? Math.min(STRIP - 1, Math.floor(((at - from) / (to - from)) * STRIP)) : 0;
  };
  const strips = series.map(([name, points]) => {
    const cells: (number | undefined)[] = Array.from({ length: STRIP });
    for (const { x, y } of points) cells[slot(x)] = Math.max(cells[slot(x)] ?? Number.NEGATIVE_INFINITY, y);
    let holds: number | undefined;
    const strip = cells.map((value) => {
      holds = value ?? holds;
      if (holds === undefined) return " ";
      const level = high > low ? Math.round(((holds - low) / (high - low)) * (LEVELS.length - 1)) : 0;
      return LEVELS[level];
    });
    return [truncate(name, 24), strip.join("")] as const;
  });
  const wide = Math.max(...strips.map(([name]) => columnsOf(name)));
  const gap = wide ? 2 : 0;
  const [first, last] = numeric ? [short(from), short(to)] : [short(order[0]), short(order.at(-1))];
  const axis = `${pad("", wide + gap)}${pad(first, STRIP - columnsOf(last))}${last}  ${visible(of.x)}`;
  const body = strips.map(([name, strip]) => `${pad(name, wide + gap)}${strip}`.trimEnd());
  return [[...body, axis].join("\n"), summaries(rows, of).join("\n")].join("\n\n");
}

function summaries(rows: readonly ChartRow[], of: Lines): string[] {
  const lines = [...linesOf(rows, of)].map(([name, points]) => {
    const values = points.map((point) => point.y);
    const highest = points.reduce((a, b) => (b.y > a.y ? b : a));
    const lowest = points.reduce((a, b) => (b.y < a.y ? b : a));
    const at = (point: { x: number | string }) => `at ${visible(of.x)} ${short(point.x)}`;
    const what = [truncate(name, 40), visible(of.y)].filter(Boolean).join(", ");
    return (
      `${what}: ${count(values.length, "value")}, from ${short(values[0])} to ${short(values.at(-1))}, ` +
      `lowest ${short(lowest.y)} ${at(lowest)}, highest ${short(highest.y)} ${at(highest)}`
    );
  });
  return of.limit ? [...lines, `compared with ${short(of.limit.value)}: ${visible(of.limit.label)}`] : lines;
}

const BAR = 40;

function barsText(rows: readonly ChartRow[], { name, value, by }: Bars): string {
  const most = Math.max(...rows.map((row) => Math.abs(Number(row[value] ?? 0)) || 0));
  const labels = rows.map((row) =>
    [name, ...(by === undefined ? [] : [by])].map((field) => truncate(short(row[field]), 32)),
  );
  const wide = labels[0]?.map((_, i) => Math.max(...labels.map((parts) => columnsOf(parts[i] ?? "")))) ?? [];
  const bars = rows.map((row, i) => {
    const number = Number(row[value] ?? 0) || 0;
    const length = most ? Math.round((Math.abs(number) / most) * BAR) : 0;
    const bar = `${"█".repeat(length)}${length === 0 && number !== 0 ? "▏" : ""}`;
    const label = labels[i]?.map((part, column) => pad(part, wide[column] ?? 0)).join("  ");
    return `${label}  ${bar} ${short(row[value]) || "·"}`.replace(/ {2}$/, "");
  });
  return `${visible(value)}\n${bars.join("\n")}`;
}

function rowsText(rows: readonly ChartRow[]): string {
  const fields = [...new Set(rows.flatMap((row) => Object.keys(row)))].slice(0, 12);
  const { head, folded, tail } = fold(rows, 40);
  const line = (row: ChartRow) => fields.map((field) => short(row[field]));
  const gap = folded.length ? [[`… ${count(folded.length, "row")} more`, ...fields.slice(1).map(() => "")]] : [];
  const numeric = (field: string) => rows.every((row) => typeof row[field] === "number" || row[field] == null);
  return textTable(
    fields.map((title) => ({ title, align: numeric(title) ? ("right" as const) : ("left" as const), max: 32 })),
    [...head.map(line), ...gap, ...tail.map(line)],
  );
}
