import { type BytesData, bytesView } from "./bytes";
import {
  type CheckCard,
  cardView,
  type HintCard,
  hintView,
  type PredictionCard,
  predictView,
  type RevealCard,
  revealView,
} from "./card";
import { type ChartData, drawChart, hasOwnColours } from "./chart";
import { chartsLoaded } from "./chart-vega";
import { type LadderData, ladderView } from "./ladder";
import { type LogData, logView } from "./log";
import { type LogsData, logsView } from "./logs";
import { type PacketsData, packetsView } from "./packets";
import { toBytes } from "./record";
import { type SequenceData, sequenceView } from "./sequence";
import { type SightData, sightView } from "./sight";
import { type TableData, tableView } from "./table";
import { type TimelineData, timelineView } from "./timeline";
import { type TopicsData, topicsView } from "./topics";
import { type TopologyData, topologyView } from "./topology";
import type { View, ViewData } from "./view";

/** Draws one kind of view from its data, or says that this data does not hold the whole picture (undefined). */
export type Draw = (data: never) => View | undefined;

/** Kept records are bounded; where some are missing, the picture that was made from all of them says more. */
const whole = (data: PacketsData): boolean => data.total === data.packets.length;

/** A shade that is not of the theme stays as it is, and what stands on it must too. */
const ownChart = (drawn: View): View | undefined => (hasOwnColours(drawn) ? drawn : undefined);

const kinds: Readonly<Record<string, Draw>> = {
  packets: (data: PacketsData) =>
    whole(data) ? packetsView(data.packets, { caption: data.caption, unfold: data.unfold }) : undefined,
  sequence: (data: SequenceData) =>
    whole(data) ? sequenceView(data.packets, { ...data, title: data.caption }) : undefined,
  bytes: (data: BytesData) => {
    const bytes = toBytes(data.bytes);
    return bytes.length === data.length ? bytesView(bytes, data.fields, { title: data.title }) : undefined;
  },
  topics: (data: TopicsData) => topicsView(data),
  timeline: (data: TimelineData) => timelineView(data),
  chart: (data: ChartData) => (chartsLoaded() ? ownChart(drawChart(data)) : undefined),
  topology: (data: TopologyData) => topologyView(data),
  sight: (data: SightData) => sightView(data),
  ladder: (data: LadderData) => ladderView(data.hops, { title: data.title }),
  log: (data: LogData) =>
    data.total === data.lines.length
      ? logView(data.lines, { caption: data.caption, limit: data.lines.length })
      : undefined,
  logs: (data: LogsData) =>
    data.total === data.lines.length ? logsView(data, { caption: data.caption, limit: data.lines.length }) : undefined,
  table: (data: TableData) => tableView(data),
  check: (data: CheckCard) => cardView(data),
  predict: (data: PredictionCard) => predictView(data),
  reveal: (data: RevealCard) => revealView(data),
  hint: (data: HintCard) => hintView(data),
};

/**
 * Draws a view again from what a notebook kept of it; undefined for a kind or version that is not known here, and for
 * data that is not whole. The data is a stranger's: a malformed one may throw, and numbers may be text, so what is drawn
 * must be sanitised before a page shows it. Charts are drawn again once `loadCharts()` has ended, else they are undefined.
 * @param more kinds that live in higher rooms.
 */
export function redraw(kept: ViewData, more: Readonly<Record<string, Draw>> = {}): View | undefined {
  if (kept.version !== 1) return undefined;
  const draw = own(kinds, kept.kind) ?? own(more, kept.kind);
  return draw?.(kept.data as never);
}

const own = (table: Readonly<Record<string, Draw>>, kind: string): Draw | undefined =>
  Object.hasOwn(table, kind) ? table[kind] : undefined;
