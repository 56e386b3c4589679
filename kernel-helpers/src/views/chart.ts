import { LabError } from "../core/errors";
import { chartSpec } from "./chart-spec";
import { chartSentences, chartText } from "./chart-text";
import { type ChartSpec, loadCharts, runVega } from "./chart-vega";
import { escapeText, visible } from "./escape";
import { fit, measure, picture } from "./svg";
import { colour, tints } from "./theme";
import { type View, view } from "./view";

export { loadCharts } from "./chart-vega";
export type { ChartSpec };

export type ChartValue = string | number | boolean | null;
export type ChartRow = Readonly<Record<string, ChartValue>>;

/** A number for each pair of x and y, as a shade and as text; of several fields, one map each. */
export interface HeatMap {
  readonly x: string;
  readonly y: string;
  readonly value: string | readonly string[];
}

/** Values over an axis, one line for each value of the field `by`. */
export interface Lines {
  readonly x: string;
  readonly y: string;
  readonly by?: string;
  /** Fills what is below the line. */
  readonly area?: boolean;
  /** The value holds until the next one, as a count does. */
  readonly steps?: boolean;
  /** A line that the values are to be compared with. */
  readonly limit?: { readonly value: number; readonly label: string };
}

/** A bar for each row, its value at its end; with `by`, one for each of its values side by side. */
export interface Bars {
  readonly name: string;
  readonly value: string;
  readonly by?: string;
}

/** What to draw: one of four. */
export interface ChartLook {
  readonly heat?: HeatMap;
  readonly lines?: Lines;
  readonly bars?: Bars;
  /** Vega-Lite, without `data`: the rows are its data. */
  readonly spec?: ChartSpec;
}

export interface ChartData extends ChartLook {
  readonly title: string;
  /** What there is to see, in words; empty: told from the values. */
  readonly description: string;
  readonly rows: readonly ChartRow[];
}

const LARGEST = 30_000;
const MOST_ROWS = 5_000;

/**
 * A chart of rows, drawn by Vega-Lite, which is loaded now.
 * @throws LabError BAD_ARGUMENT for a field that no row has, for a specification that Vega refuses or that would load
 * something, and for more than 5,000 rows or 30 kB of picture.
 */
export async function chartView(
  of: Partial<ChartData> & Pick<ChartData, "title" | "rows">,
): Promise<View<"chart", ChartData>> {
  const data = cleaned(of);
  if (data.rows.length) await loadCharts();
  return drawChart(data);
}

/** The same at once, for data that a notebook kept; `loadCharts` must have ended. @throws as `chartView`. */
export function drawChart(data: ChartData): View<"chart", ChartData> {
  const title = visible(data.title);
  if (!data.rows.length) return nothing(data, `${title}: no values yet`);
  const { body, width, height } = runVega(chartSpec(data));
  const desc = [visible(data.description), chartSentences(data)].filter(Boolean).join(" ");
  const wide = Math.ceil(Math.max(width + 40, Math.min(560, measure(title, { bold: true }) + 40)));
  const heading = `<text x="20" y="28" font-weight="600">${escapeText(fit(title, wide - 40, { bold: true }))}</text>`;
  const svg = picture({
    title: title || "Chart",
    desc,
    width: wide,
    height: height + 62,
    body: `${heading}<g transform="translate(20 44)">${body}</g>`,
  });
  const size = new TextEncoder().encode(svg).length;
  if (size > LARGEST) {
    throw new LabError(
      "BAD_ARGUMENT",
      `the chart "${title}" would be a picture of ${Math.round(size / 1000)} kB, and 30 kB is the most`,
      "draw fewer marks: aggregate or thin out the rows first",
    );
  }
  return view("chart", data, { as: "svg", picture: svg, text: chartText(data) });
}

const OURS: ReadonlySet<string> = new Set([...Object.values(colour), ...tints]);

/** Whether a picture has no colour but our tokens, which a page may replace by its own. */
export function hasOwnColours({ picture: svg }: View): boolean {
  return [...svg.matchAll(/ (?:fill|stroke)="([^"]*)"/g)].every(([, of = ""]) => of === "none" || OURS.has(of));
}

function nothing(data: ChartData, said: string): View<"chart", ChartData> {
  const width = Math.max(260, Math.ceil(measure(said)) + 40);
  const body = `<text x="20" y="31" fill="${colour.muted}">${escapeText(said)}</text>`;
  return view("chart", data, {
    as: "svg",
    picture: picture({ title: data.title || "Chart", desc: said, width, height: 50, body }),
    text: said,
  });
}

/** What a notebook keeps: rows of plain values, and one look. */
function cleaned(of: Parameters<typeof chartView>[0]): ChartData {
  const looks = (["heat", "lines", "bars", "spec"] as const).filter((look) => of[look] !== undefined);
  const [look] = looks;
  if (looks.length !== 1 || look === undefined) {
    throw new LabError(
      "BAD_ARGUMENT",
      looks.length ? `a chart is one of ${looks.join(", ")}, not several` : "a chart says how its rows are to be drawn",
      'showChart({ title, rows, bars: { name: "client", value: "messages" } }), or heat, lines, or spec (Vega-Lite)',
    );
  }
  if (of.rows.length > MOST_ROWS) {
    throw new LabError(
      "BAD_ARGUMENT",
      `a chart of ${of.rows.length} rows; ${MOST_ROWS} is the most`,
      "aggregate the rows, or keep every tenth",
    );
  }
  const rows = of.rows.map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, plain(value)])));
  const { title, description = "" } = of;
  return { title, description, rows, [look]: JSON.parse(JSON.stringify(of[look])) };
}

/** Numbers that JSON cannot say are no values; text is as long as an axis can show. */
function plain(value: unknown): ChartValue {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value === "boolean" || value === null || value === undefined) return value ?? null;
  return visible(String(value)).slice(0, 200);
}
