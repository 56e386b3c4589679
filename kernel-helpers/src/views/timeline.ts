import { escapeText, isolateSvg, visible } from "./escape";
import { cross, fit, measure, n, picture } from "./svg";
import { width as columnsOf, count, pad, truncate } from "./text";
import { colour, font, type Tone, tone } from "./theme";
import { type View, view } from "./view";

/** Something that happened at a moment. */
export interface TimelineEvent {
  /** In the timeline's unit, from any zero. */
  readonly at: number;
  readonly label: string;
  readonly tone?: Tone;
}

export interface TimelineLane {
  readonly name: string;
  readonly events: readonly TimelineEvent[];
}

/** A value that holds from each point to the next, as a count does. */
export interface TimelineSeries {
  readonly name: string;
  readonly points: readonly { readonly at: number; readonly value: number }[];
  /** A line that the value is to be compared with. */
  readonly limit?: { readonly value: number; readonly label: string };
}

export interface TimelineData {
  readonly title: string;
  /** What `at` counts, default "ms". */
  readonly unit: string;
  readonly lanes: readonly TimelineLane[];
  readonly series: readonly TimelineSeries[];
}

const LARGEST = 30_000;
const BOX = { left: 150, plot: 590, right: 30, top: 52, lane: 44, chart: 112, gap: 18, foot: 40 };
const MOST = { lanes: 8, series: 3, events: 400, points: 400 };

/**
 * Lanes of events and stepped values over one axis of time. An event's tone shows by colour and by mark; its label where
 * there is room, always in the text. At most 30 kB: of more events than that holds, neighbours share a mark.
 */
export function timelineView(of: {
  title?: string;
  unit?: string;
  lanes: readonly TimelineLane[];
  series?: readonly TimelineSeries[];
}): View<"timeline", TimelineData> {
  const data = cleaned(of);
  const text = plain(data);
  if (!times(data).length) {
    const body = `<text x="20" y="31" fill="${colour.muted}">${escapeText(text)}</text>`;
    const width = Math.max(260, Math.ceil(measure(text)) + 40);
    const svg = picture({ title: data.title || "Timeline", desc: text, width, height: 50, body });
    return view("timeline", data, { as: "svg", picture: svg, text });
  }
  for (const keep of [96, 48, 24, 12, 4]) {
    const svg = draw(data, keep);
    if (keep === 4 || new TextEncoder().encode(svg).length <= LARGEST)
      return view("timeline", data, { as: "svg", picture: svg, text });
  }
  throw new Error("unreachable: the last attempt returns");
}

/** What is drawn: real numbers only, in the order of time, and no more than a notebook should keep. */
function cleaned(of: Parameters<typeof timelineView>[0]): TimelineData {
  const inOrder = <T extends { at: number }>(all: readonly T[], most: number) =>
    all
      .filter((one) => Number.isFinite(one.at))
      .sort((a, b) => a.at - b.at)
      .slice(0, most);
  return {
    title: of.title ?? "Timeline",
    unit: of.unit ?? "ms",
    lanes: of.lanes.slice(0, MOST.lanes).map(({ name, events }) => ({
      name,
      events: inOrder(events, MOST.events).map(({ at, label, tone: of }) => ({
        at,
        label,
        tone: of && Object.hasOwn(tone, of) ? of : "idle",
      })),
    })),
    series: (of.series ?? []).slice(0, MOST.series).map(({ name, points, limit }) => ({
      name,
      points: inOrder(points, MOST.points)
        .filter(({ value }) => Number.isFinite(value))
        .map(({ at, value }) => ({ at, value })),
      ...(limit && Number.isFinite(limit.value) ? { limit: { ...limit } } : {}),
    })),
  };
}

const times = (data: TimelineData): number[] => [
  ...data.lanes.flatMap((lane) => lane.events.map((event) => event.at)),
  ...data.series.flatMap((series) => series.points.map((point) => point.at)),
];

/** From a moment to its place between 0 and 1. */
function scale(data: TimelineData): { from: number; to: number; at: (moment: number) => number } {
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const moment of times(data)) [from, to] = [Math.min(from, moment), Math.max(to, moment)];
  return { from, to, at: (moment) => (to > from ? (moment - from) / (to - from) : 0) };
}

function draw(data: TimelineData, keep: number): string {
  const { at, from, to } = scale(data);
  const x = (moment: number) => BOX.left + at(moment) * BOX.plot;
  const charts = BOX.top + data.lanes.length * BOX.lane + BOX.gap;
  const bottom = charts + data.series.length * (BOX.chart + BOX.gap);
  const width = BOX.left + BOX.plot + BOX.right;
  const axis =
    `<path d="M${BOX.left} ${bottom}h${BOX.plot}" stroke="${colour.muted}"/>` +
    [from, (from + to) / 2, to]
      .slice(0, to > from ? 3 : 1)
      .map(
        (moment, i) =>
          `<text x="${n(x(moment))}" y="${bottom + 18}" font-size="${font.small}" fill="${colour.muted}" text-anchor="${["start", "middle", "end"][i]}">${short(moment - from)} ${isolateSvg(fit(visible(data.unit), 60))}</text>`,
      )
      .join("");
  const body =
    `<text x="20" y="28" font-weight="600">${isolateSvg(fit(visible(data.title), width - 40, { bold: true }))}</text>` +
    data.lanes.map((lane, i) => laneSvg(lane, BOX.top + i * BOX.lane, x, keep)).join("") +
    data.series.map((one, i) => seriesSvg(one, charts + i * (BOX.chart + BOX.gap), x, x(to), keep)).join("") +
    axis;
  return picture({ title: data.title || "Timeline", desc: sentence(data), width, height: bottom + BOX.foot, body });
}

const nameSvg = (name: string, y: number): string =>
  `<text x="20" y="${y}" font-weight="600" font-size="${font.small}">${isolateSvg(fit(visible(name), BOX.left - 34, { size: font.small, bold: true }))}</text>`;

function laneSvg(lane: TimelineLane, top: number, x: (moment: number) => number, keep: number): string {
  const y = top + 15;
  let free = Number.NEGATIVE_INFINITY;
  let said = "";
  const marks = thin(lane.events, x, BOX.plot / keep).map((event) => {
    const place = x(event.at);
    const words = fit(visible(event.label), 150, { size: font.small });
    const wide = measure(words, { size: font.small });
    const start = Math.min(Math.max(place - 6, BOX.left - 6), BOX.left + BOX.plot + BOX.right - wide - 6);
    const fits = start >= free && event.label !== said;
    if (fits) [free, said] = [start + wide + 10, event.label];
    const label = fits
      ? `<text x="${n(start)}" y="${y + 21}" font-size="${font.small}" fill="${tone[event.tone ?? "idle"].text}">${isolateSvg(words)}</text>`
      : "";
    return mark(event.tone ?? "idle", place, y) + label;
  });
  return `<path d="M${BOX.left} ${y}h${BOX.plot}" stroke="${colour.edge}"/>${nameSvg(lane.name, y + 4)}${marks.join("")}`;
}

/** Events closer than so many pixels share a mark; the worst of them keeps it. */
function thin(events: readonly TimelineEvent[], x: (moment: number) => number, apart: number): TimelineEvent[] {
  const kept: TimelineEvent[] = [];
  for (const event of events) {
    const last = kept.at(-1);
    if (!last || x(event.at) - x(last.at) >= apart) kept.push(event);
    else if (rank(event) > rank(last)) kept[kept.length - 1] = { ...event, at: last.at };
  }
  return kept;
}

const rank = (event: TimelineEvent): number => ["idle", "ok", "warn", "bad"].indexOf(event.tone ?? "idle");

/** Shape and colour: a filled circle, a cross, a triangle, a ring. */
function mark(of: Tone, x: number, y: number): string {
  if (of === "bad") return cross(x, y, 5);
  if (of === "warn") return `<path d="M${n(x)} ${y - 6}l6 11h-12z" fill="${colour.warn}"/>`;
  const fill = of === "ok" ? colour.ok : colour.card;
  return `<circle cx="${n(x)}" cy="${y}" r="5" fill="${fill}" stroke="${of === "ok" ? colour.card : colour.muted}"/>`;
}

function seriesSvg(series: TimelineSeries, top: number, x: (moment: number) => number, end: number, keep: number) {
  const { points, limit } = series;
  const low = Math.min(0, ...points.map((point) => point.value), limit?.value ?? 0);
  const high = Math.max(low + 1, ...points.map((point) => point.value), limit?.value ?? 0);
  const base = top + BOX.chart;
  const y = (value: number) => base - ((value - low) / (high - low)) * (BOX.chart - 16);
  const shown =
    points.length > keep * 4 ? points.filter((_, i) => i % Math.ceil(points.length / (keep * 4)) === 0) : points;
  const first = shown[0];
  const steps = shown.map((point) => `H${n(x(point.at))}V${n(y(point.value))}`).join("");
  const line = first ? `M${n(x(first.at))} ${n(y(low))}${steps}H${n(end)}` : "";
  const limitSvg = limit
    ? `<path d="M${BOX.left} ${n(y(limit.value))}h${BOX.plot}" stroke="${colour.bad}" stroke-dasharray="5 4"/>` +
      `<text x="${BOX.left + BOX.plot}" y="${n(y(limit.value) - 4)}" text-anchor="end" font-size="${font.small}" fill="${colour.bad}">${isolateSvg(fit(visible(limit.label), 260, { size: font.small }))}</text>`
    : "";
  return (
    nameSvg(series.name, base - BOX.chart / 2) +
    [low, high]
      .map(
        (value) =>
          `<text x="${BOX.left - 8}" y="${n(y(value) + 4)}" text-anchor="end" font-size="${font.small}" fill="${colour.muted}">${short(value)}</text>`,
      )
      .join("") +
    (line
      ? `<path d="${line}V${n(y(low))}z" fill="#dcecf7"/><path d="${line}" fill="none" stroke="${colour.up}" stroke-width="2"/>`
      : "") +
    limitSvg
  );
}

/** Neighbouring events of one kind, as one. */
interface Run {
  readonly label: string;
  readonly tone: Tone;
  readonly from: number;
  readonly to: number;
  readonly many: number;
}

function runs(events: readonly TimelineEvent[]): Run[] {
  const all: Run[] = [];
  for (const { at, label, tone: of = "idle" } of events) {
    const last = all.at(-1);
    if (last && last.label === label && last.tone === of)
      all[all.length - 1] = { ...last, to: at, many: last.many + 1 };
    else all.push({ label, tone: of, from: at, to: at, many: 1 });
  }
  return all;
}

const SPOKEN = 6;

/** The same in words: what a screen reader says. */
function sentence(data: TimelineData): string {
  return lists(data, SPOKEN).join(". ");
}

function lists(data: TimelineData, most: number): string[] {
  const { from } = scale(data);
  const when = (moment: number) => `${short(moment - from)} ${visible(data.unit)}`;
  const cut = (text: string) => truncate(visible(text), 60);
  const lanes = data.lanes.map((lane) => {
    const all = runs(lane.events);
    const said = all.slice(0, most).map((run) => {
      const span = run.to > run.from ? `${when(run.from)} to ${when(run.to)}` : when(run.from);
      return `${tone[run.tone].mark} ${run.many > 1 ? `${run.many} × ` : ""}${cut(run.label)} (${span})`;
    });
    const more = all.length > most ? [`and ${all.length - most} more`] : [];
    return `${cut(lane.name)}: ${[...said, ...more].join(", ") || "nothing"}`;
  });
  const series = data.series.map(({ name, points, limit }) => {
    const values = points.map((point) => point.value);
    const range = values.length
      ? `${count(values.length, "value")}, from ${short(values[0] as number)} to ${short(values.at(-1) as number)}, highest ${short(Math.max(...values))}`
      : "no values";
    return `${cut(name)}: ${range}${limit ? `; ${cut(limit.label)}` : ""}`;
  });
  return [...lanes, ...series];
}

const STRIP = 60;

/** Strips of marks and digits over one axis, then the same in words. */
function plain(data: TimelineData): string {
  if (!times(data).length) return `${visible(data.title)}: nothing happened yet`;
  const { at, from, to } = scale(data);
  const slot = (moment: number) => Math.min(STRIP - 1, Math.floor(at(moment) * STRIP));
  const names = [...data.lanes, ...data.series].map((one) => truncate(visible(one.name), 24));
  const wide = Math.max(...names.map(columnsOf));
  const strips = [
    ...data.lanes.map((lane) => laneStrip(lane, slot)),
    ...data.series.map((series) => seriesStrip(series, slot)),
  ];
  const unit = truncate(visible(data.unit), 12);
  const end = `${short(to - from)} ${unit}`;
  const axis = `${pad("", wide)}  ${pad(`0 ${unit}`, STRIP - columnsOf(end))}${end}`;
  const rows = strips.map((strip, i) => `${pad(names[i] ?? "", wide)}  ${strip}`.trimEnd());
  return [visible(data.title), [axis.trimEnd(), ...rows].join("\n"), lists(data, 12).join("\n")].join("\n\n");
}

function laneStrip(lane: TimelineLane, slot: (moment: number) => number): string {
  const worst: (TimelineEvent | undefined)[] = Array.from({ length: STRIP });
  for (const event of lane.events) {
    const before = worst[slot(event.at)];
    if (!before || rank(event) > rank(before)) worst[slot(event.at)] = event;
  }
  return worst.map((event) => (event ? tone[event.tone ?? "idle"].mark : "·")).join("");
}

/** The highest value in each place, as a digit; + from 10 on. */
function seriesStrip(series: TimelineSeries, slot: (moment: number) => number): string {
  const cells: (number | undefined)[] = Array.from({ length: STRIP });
  for (const { at, value } of series.points) cells[slot(at)] = Math.max(cells[slot(at)] ?? value, value);
  let holds: number | undefined;
  return cells
    .map((value, i) => {
      const shown = value ?? holds;
      const last = series.points.filter((point) => slot(point.at) === i).at(-1);
      if (last) holds = last.value;
      if (shown === undefined) return " ";
      return shown < 0 ? "-" : shown > 9 ? "+" : String(Math.round(shown));
    })
    .join("");
}

const short = (value: number): string => {
  if (Math.abs(value) >= 1e6) return value.toExponential(1);
  return String(Math.abs(value) >= 10 ? Math.round(value) : Math.round(value * 10) / 10);
};
