import { LabError } from "../core/errors";
import type { Bars, ChartData, ChartRow, HeatMap, Lines } from "./chart";
import type { ChartSpec } from "./chart-vega";
import { visible } from "./escape";
import { measure } from "./svg";
import { colour, font } from "./theme";

/** From what a cell asked for to a whole Vega-Lite specification with its data. */
export function chartSpec(data: ChartData): ChartSpec {
  const { rows, heat, lines, bars, spec } = data;
  if (heat) return heatSpec(rows, heat);
  if (lines) return linesSpec(rows, lines);
  if (bars) return barsSpec(rows, bars);
  return ownSpec(rows, spec ?? {});
}

/** Vega reads dots and brackets in a field's name as a path; names of our own have none. */
const names = (row: ChartRow, field: string): string => visible(String(row[field] ?? ""));

function demandFields(rows: readonly ChartRow[], fields: readonly string[]): void {
  const known = new Set(rows.flatMap((row) => Object.keys(row)));
  const missing = fields.find((field) => !known.has(field));
  if (missing === undefined) return;
  throw new LabError(
    "BAD_ARGUMENT",
    `no row of the chart has the field "${visible(missing)}"`,
    `the rows' fields are ${[...known].map((one) => `"${visible(one)}"`).join(", ")}`,
  );
}

export const listOf = (fields: string | readonly string[]): readonly string[] =>
  typeof fields === "string" ? [fields] : fields;

/** As many digits as tell values apart, and no more than fit into a cell. */
export function short(value: unknown): string {
  if (typeof value !== "number") return value === null || value === undefined ? "" : visible(String(value));
  const size = Math.abs(value);
  if (size >= 1e6 || (size > 0 && size < 0.001)) return value.toExponential(1);
  return String(size >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
}

/** So wide is a row of maps at most. */
const ROW_OF_MAPS = 600;

function heatSpec(rows: readonly ChartRow[], { x, y, value }: HeatMap): ChartSpec {
  const fields = listOf(value);
  demandFields(rows, [x, y, ...fields]);
  const widest = (field: string) => Math.max(...rows.map((row) => measure(names(row, field), { size: font.small })));
  const step = Math.round(Math.min(120, Math.max(46, widest(x) + 14)));
  const map = new Set(rows.map((row) => names(row, x))).size * step + 18;
  const columns = Math.max(1, Math.floor((ROW_OF_MAPS - Math.min(180, widest(y)) - 30) / map));
  return {
    columns: Math.min(fields.length, columns),
    spacing: 18,
    resolve: { scale: { fillOpacity: "independent" } },
    // The same rows in every map: only the first of each row of maps names them.
    concat: fields.map((field, i) =>
      oneMap(rows, { x, y, field, step, titled: fields.length > 1, first: i % columns === 0 }),
    ),
  };
}

/** One hue, from hardly there to as dark as the number on it stays easy to read, on light and on dark ground. */
const SHADES = [0.05, 0.42];

function oneMap(
  rows: readonly ChartRow[],
  of: { x: string; y: string; field: string; step: number; titled: boolean; first: boolean },
): ChartSpec {
  const values = rows.map((row) => ({
    x: names(row, of.x),
    y: names(row, of.y),
    value: typeof row[of.field] === "number" ? row[of.field] : null,
    said: short(row[of.field]),
  }));
  const axis = { ticks: false, domain: false };
  const across = { field: "x", type: "nominal", sort: null, title: visible(of.x), axis: { ...axis, labelAngle: 0 } };
  const down = { field: "y", type: "nominal", sort: null, title: visible(of.y), axis: of.first ? axis : null };
  return {
    data: { values },
    ...(of.titled ? { title: visible(of.field) } : {}),
    width: { step: of.step },
    height: { step: 34 },
    encoding: { x: across, y: down },
    layer: [
      {
        mark: { type: "rect", color: colour.up, stroke: colour.card, strokeWidth: 2, invalid: null },
        encoding: {
          fillOpacity: { field: "value", type: "quantitative", legend: null, scale: { zero: true, range: SHADES } },
        },
      },
      { mark: { type: "text", color: colour.ink }, encoding: { text: { field: "said" } } },
    ],
  };
}

/** More points than pixels show nothing more. */
const POINTS = 240;
/** Fewer than so many stand as dots on their line. */
const DOTS = 24;

function linesSpec(rows: readonly ChartRow[], of: Lines): ChartSpec {
  demandFields(rows, [of.x, of.y, ...(of.by === undefined ? [] : [of.by])]);
  const numeric = rows.every((row) => typeof row[of.x] === "number" || row[of.x] === null);
  const series = linesOf(rows, of);
  const values = [...series].flatMap(([by, points]) => thinned(points).map((point) => ({ ...point, by })));
  const several = series.size > 1;
  const by = several
    ? {
        color: { field: "by", type: "nominal", sort: null, title: visible(of.by ?? "") },
        strokeDash: { field: "by", type: "nominal", sort: null, title: visible(of.by ?? "") },
      }
    : {};
  const interpolate = of.steps ? "step-after" : "linear";
  const dots = [...series.values()].every((points) => points.length < DOTS) && !of.steps;
  const shape = several ? { shape: { field: "by", type: "nominal", sort: null, title: visible(of.by ?? "") } } : {};
  return {
    width: 440,
    height: 190,
    data: { values },
    encoding: {
      x: {
        field: "x",
        type: numeric ? "quantitative" : "ordinal",
        ...(numeric ? { scale: { zero: false, nice: false } } : { sort: null, axis: { labelAngle: 0 } }),
        title: visible(of.x),
      },
      y: { field: "y", type: "quantitative", title: visible(of.y), axis: { tickCount: 5 }, stack: null },
      ...by,
    },
    layer: [
      ...(of.area ? [{ mark: { type: "area", interpolate, line: false } }] : []),
      { mark: { type: "line", interpolate } },
      ...(dots ? [{ mark: { type: "point" }, encoding: shape }] : []),
      ...(of.limit ? limitLayers(of.limit, freerSide(series, of.limit.value)) : []),
    ],
  };
}

/** Where a line's label has more room: at the end whose values are further from it. */
function freerSide(series: ReadonlyMap<string, readonly Point[]>, value: number): "left" | "right" {
  let [left, right] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const points of series.values()) {
    const third = Math.ceil(points.length / 3);
    const near = (part: readonly Point[]) => Math.min(...part.map((point) => Math.abs(point.y - value)));
    left = Math.min(left, near(points.slice(0, third)));
    right = Math.min(right, near(points.slice(-third)));
  }
  return left > right ? "left" : "right";
}

function limitLayers({ value, label }: { value: number; label: string }, side: "left" | "right"): ChartSpec[] {
  const data = { values: [{ limit: value, label: visible(label) }] };
  const y = { field: "limit", type: "quantitative" };
  const none = { x: null, color: null, strokeDash: null };
  const text = { type: "text", align: side, baseline: "bottom", dy: -4, fontSize: font.small };
  const said = { ...none, x: { value: side === "left" ? 4 : "width" }, y, text: { field: "label" } };
  return [
    { data, mark: { type: "rule", color: colour.bad, strokeDash: [5, 4], strokeWidth: 1.5 }, encoding: { ...none, y } },
    // Letters over lines are hard to read without a rim.
    { data, mark: { ...text, stroke: colour.card, strokeWidth: 4 }, encoding: said },
    { data, mark: { ...text, color: colour.bad }, encoding: said },
  ];
}

interface Point {
  readonly x: number | string;
  readonly y: number;
}

/** The points of each line in the order of x. */
export function linesOf(rows: readonly ChartRow[], { x, y, by }: Lines): Map<string, Point[]> {
  const series = new Map<string, Point[]>();
  for (const row of rows) {
    const value = row[y];
    const at = row[x];
    if (typeof value !== "number" || at === null || at === undefined) continue;
    const name = by === undefined ? "" : names(row, by);
    const points = series.get(name) ?? [];
    points.push({ x: typeof at === "number" ? at : String(at), y: value });
    series.set(name, points);
  }
  for (const points of series.values()) {
    if (points.every((point) => typeof point.x === "number")) points.sort((a, b) => Number(a.x) - Number(b.x));
  }
  return series;
}

/** Of each stretch its lowest and its highest point: what stands out stays. */
function thinned(points: readonly Point[]): readonly Point[] {
  if (points.length <= POINTS) return points;
  const size = Math.ceil(points.length / (POINTS / 2));
  const kept: Point[] = [];
  for (let start = 0; start < points.length; start += size) {
    const part = points.slice(start, start + size);
    const low = part.reduce((a, b) => (b.y < a.y ? b : a));
    const high = part.reduce((a, b) => (b.y > a.y ? b : a));
    kept.push(...(low === high ? [low] : part.indexOf(low) < part.indexOf(high) ? [low, high] : [high, low]));
  }
  return kept;
}

function barsSpec(rows: readonly ChartRow[], { name, value, by }: Bars): ChartSpec {
  demandFields(rows, [name, value, ...(by === undefined ? [] : [by])]);
  const values = rows.map((row) => ({
    name: names(row, name),
    by: by === undefined ? "" : names(row, by),
    value: typeof row[value] === "number" ? row[value] : null,
    said: [short(row[value]), by === undefined ? "" : names(row, by)].filter(Boolean).join("  "),
  }));
  return {
    width: 320,
    height: { step: by === undefined ? 26 : 20, ...(by === undefined ? {} : { for: "offset" }) },
    data: { values },
    encoding: {
      y: { field: "name", type: "nominal", sort: null, title: null, axis: { ticks: false, labelPadding: 8 } },
      x: { field: "value", type: "quantitative", title: visible(value), axis: { grid: false, tickCount: 4 } },
      ...(by === undefined ? {} : { yOffset: { field: "by", type: "nominal", sort: null } }),
    },
    layer: [
      {
        mark: { type: "bar", height: { band: 0.8 } },
        encoding: by === undefined ? {} : { color: { field: "by", type: "nominal", sort: null, legend: null } },
      },
      {
        mark: { type: "text", align: "left", dx: 5, fontSize: font.small, color: colour.ink },
        encoding: { text: { field: "said" } },
      },
    ],
  };
}

/** Words with which a specification would have something looked up elsewhere, or waits for a mouse. */
const FORBIDDEN = new Set(["url", "href", "bind", "usermeta", "datasets"]);

function ownSpec(rows: readonly ChartRow[], spec: ChartSpec): ChartSpec {
  refuse(spec, []);
  if (!("transform" in spec)) demandFields(rows, encodedFields(spec));
  const alone = "mark" in spec || "layer" in spec;
  const { $schema: _, data: __, background: ___, ...rest } = spec;
  return { ...(alone ? { width: 440, height: 200 } : {}), ...rest, data: { values: rows } };
}

function refuse(node: unknown, path: readonly string[]): void {
  if (typeof node !== "object" || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    const nested = path.length > 0;
    const wrong =
      FORBIDDEN.has(key) ||
      (key === "data" && typeof value === "object" && value !== null && !("values" in value && nested)) ||
      ((key === "mark" || key === "type") && (value === "image" || value === "geoshape"));
    if (wrong) {
      throw new LabError(
        "BAD_ARGUMENT",
        `a chart's specification has no "${[...path, key].join(".")}": its picture stands alone and its data are the rows`,
        "give the data as rows: showChart({ title, rows, spec })",
      );
    }
    if (key !== "values") refuse(value, [...path, key]);
  }
}

/** What encodings name, where nothing makes new fields on the way. */
function encodedFields(spec: ChartSpec): string[] {
  const found: string[] = [];
  const visit = (node: unknown, inEncoding: boolean): void => {
    if (typeof node !== "object" || node === null || "transform" in node || "data" in node) return;
    for (const [key, value] of Object.entries(node)) {
      if (inEncoding && key === "field" && typeof value === "string" && !/[.[\\]/.test(value)) found.push(value);
      else visit(value, inEncoding || key === "encoding");
    }
  };
  visit(spec, false);
  return found;
}
