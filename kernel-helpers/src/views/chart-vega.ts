import type { Vega, VegaLite } from "../../vega/load.cjs";
import { LabError } from "../core/errors";
import { visible } from "./escape";
import { measure, n } from "./svg";
import { colour, font } from "./theme";

/** A Vega-Lite specification as JSON. */
export type ChartSpec = Readonly<Record<string, unknown>>;

/**
 * Lines, bars and points of neighbouring series. The first three are medium, light and dark, so that they differ in
 * greyscale, too; lines and points have dashes and shapes besides. Each has at least 3:1 on the card, as marks need.
 */
export const SERIES = [colour.up, colour.beside, colour.ink, colour.down, colour.ok, colour.warn] as const;

/** Vega-Lite's configuration: our tokens, and nothing that needs an id. */
const config = {
  background: null,
  padding: 0,
  aria: false,
  font: font.sans,
  view: { stroke: null },
  axis: {
    labelFontSize: font.small,
    titleFontSize: font.small,
    titleFontWeight: 600,
    labelColor: colour.ink,
    titleColor: colour.muted,
    domainColor: colour.muted,
    tickColor: colour.muted,
    gridColor: colour.edge,
    labelPadding: 4,
    labelLimit: 180,
    titleLimit: 300,
  },
  legend: {
    orient: "bottom",
    direction: "vertical",
    labelFontSize: font.small,
    titleFontSize: font.small,
    titleColor: colour.muted,
    labelColor: colour.ink,
    labelLimit: 320,
    symbolStrokeWidth: 2,
    symbolSize: 110,
  },
  title: { fontSize: font.size, fontWeight: 600, color: colour.ink, anchor: "start", offset: 6 },
  header: { labelFontSize: font.small, titleFontSize: font.small, labelColor: colour.ink, titleColor: colour.muted },
  text: { fontSize: font.size, color: colour.ink },
  line: { strokeWidth: 2 },
  rule: { color: colour.ink },
  point: { filled: true, size: 45 },
  bar: { color: colour.up },
  area: { color: colour.up, opacity: 0.25 },
  mark: { color: colour.up },
  range: {
    category: SERIES,
    heatmap: ["#f4f8fc", "#8fc1e3"],
    ramp: ["#dcecf7", colour.up],
    ordinal: ["#9cc8e6", colour.up],
  },
};

let loaded: { vega: Vega; vegaLite: VegaLite } | undefined;
let loading: Promise<void> | undefined;

/** Loads Vega, which takes a good part of a second: when the first chart is drawn, never earlier. */
export function loadCharts(): Promise<void> {
  loading ??= import("../../vega/load.cjs")
    .then(({ loadVega }) => loadVega())
    .then((modules) => {
      loaded = modules;
      // Without a canvas Vega knows no widths; ours are the longest that common fonts need.
      modules.vega.textMetrics.width = (item, text) =>
        measure(visible(String(text ?? "")), {
          size: item.fontSize ?? 11,
          bold: Number(item.fontWeight) >= 600 || item.fontWeight === "bold",
          mono: item.font === font.mono,
        });
    });
  return loading;
}

export const chartsLoaded = (): boolean => loaded !== undefined;

/** Nothing is ever fetched for a picture, whatever its specification says. */
const noLoader = {
  load: () => Promise.reject(new Error("a chart loads nothing")),
  sanitize: () => Promise.reject(new Error("a chart links to nothing")),
  http: () => Promise.reject(new Error("a chart loads nothing")),
  file: () => Promise.reject(new Error("a chart loads nothing")),
};

/** Vega's complaints; the first error ends the drawing. */
class Complaints {
  readonly said: string[] = [];
  #level = 2;
  level(value?: number): number | this {
    if (value === undefined) return this.#level;
    this.#level = value;
    return this;
  }
  error(...words: unknown[]): this {
    this.said.push(words.map(String).join(" "));
    return this;
  }
  warn(): this {
    return this;
  }
  info(): this {
    return this;
  }
  debug(): this {
    return this;
  }
}

/**
 * Runs a specification; `loadCharts` must have ended.
 * @returns pieces of SVG that begin at (0, 0), without ids, classes and roles, and their size.
 * @throws LabError BAD_ARGUMENT with what Vega says of a specification that it cannot draw.
 */
export function runVega(spec: ChartSpec): { body: string; width: number; height: number } {
  if (!loaded) throw new Error("loadCharts() first");
  const { vega, vegaLite } = loaded;
  const logger = new Complaints();
  let svg: string;
  let bounds: { x1: number; y1: number; x2: number; y2: number };
  try {
    const compiled = vegaLite.compile(spec, { config, logger }).spec;
    plainLegends(compiled);
    const view = new vega.View(vega.parse(compiled), { renderer: "none", loader: noLoader, logger });
    view.run();
    const { root } = view.scenegraph();
    bounds = root.bounds;
    const size = [bounds.x2 - bounds.x1, bounds.y2 - bounds.y1] as const;
    svg = new vega.SVGStringRenderer(noLoader)
      .initialize(null, ...size, [-bounds.x1, -bounds.y1])
      .render(root)
      .svg();
    view.finalize();
  } catch (error) {
    throw cannotDraw(error instanceof Error ? error.message : String(error));
  }
  if (logger.said[0]) throw cannotDraw(logger.said[0]);
  const width = Math.ceil(bounds.x2 - bounds.x1);
  const height = Math.ceil(bounds.y2 - bounds.y1);
  if (!(width > 0 && height > 0)) throw cannotDraw("nothing is drawn");
  return { body: cleaned(svg), width, height };
}

const cannotDraw = (why: string) =>
  new LabError(
    "BAD_ARGUMENT",
    `Vega cannot draw this chart: ${visible(why).slice(0, 300)}`,
    "compare the marks and encodings with https://vega.github.io/vega-lite/docs/, and the fields with the rows' own names",
  );

/** A legend with a gradient needs an id, and steps are easier to compare. */
function plainLegends(node: unknown): void {
  if (typeof node !== "object" || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (key === "legends" && Array.isArray(value)) {
      for (const legend of value as Record<string, unknown>[]) legend.type = "symbol";
    }
    plainLegends(value);
  }
}

/** What a picture of ours may be made of: no ids, classes or roles, and coordinates to a tenth of a pixel. */
function cleaned(svg: string): string {
  const body = visible(svg)
    .replace(/^<svg[^>]*>|<\/svg>$/g, "")
    .replace(/<defs>.*?<\/defs>/g, "")
    .replace(/<[^>]*>/g, plainTag);
  return withoutEmptyGroups(body);
}

const USELESS = / (?:class|role|aria-[a-z]+|pointer-events|clip-path|stroke-miterlimit|cursor|style)="[^"]*"/g;
const DEFAULTS = new RegExp(
  ` (?:font-family="${font.sans}"|font-size="${font.size}px"|(?:stroke-|fill-)?opacity="1"|text-anchor="start")`,
  "g",
);

function plainTag(tag: string): string {
  if (/url\(|href=|<image/.test(tag)) {
    throw cannotDraw("a gradient, an image or a link would have to be looked up; pictures stand alone");
  }
  // Vega gives each group a background, most of them of no colour.
  if (tag.startsWith('<path class="background"') && !/ (?:fill|stroke)="/.test(tag)) return "";
  return tag
    .replace(USELESS, "")
    .replace(DEFAULTS, "")
    .replace(/ (d|transform|x|y|x1|x2|y1|y2|dx|dy|width|height)="([^"]*)"/g, (_, name: string, value: string) => {
      const rounded = value.replace(/-?\d*\.\d+(?:e-?\d+)?/g, (number) => n(Number(number)));
      return rounded === "translate(0,0)" ? "" : ` ${name}="${rounded}"`;
    });
}

function withoutEmptyGroups(svg: string): string {
  const shorter = svg.replace(/<g[^>]*><\/g>/g, "");
  return shorter === svg ? svg : withoutEmptyGroups(shorter);
}
