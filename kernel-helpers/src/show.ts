/** The pictures: each function takes data and returns a View, which a cell shows as its last expression. */
import { LogBook, type LogLine } from "./core/log-book";
import { publishDisplay } from "./kernel/display";
import { liveView, type Watched } from "./kernel/live";
import type { Health } from "./lab/health";
import { explainPacket } from "./mqtt/explain";
import { explainLog } from "./mqtt/explain-log";
import type { PacketRecord, TlsRecord } from "./mqtt/tap";
import { bytesView } from "./views/bytes";
import { type ChartData, type ChartLook, type ChartRow, chartView } from "./views/chart";
import { ladderView } from "./views/ladder";
import { logView } from "./views/log";
import { logsView } from "./views/logs";
import { packetsView } from "./views/packets";
import type { PacketRecord as Drawn } from "./views/record";
import { sequenceView } from "./views/sequence";
import { type SightData, sightView } from "./views/sight";
import { type TableData, tableView } from "./views/table";
import { type TimelineLane, type TimelineSeries, timelineView } from "./views/timeline";
import { tlsView } from "./views/tls";
import { type TopicsData, topicsOf, topicsView } from "./views/topics";
import { type TopologyData, topologyView } from "./views/topology";
import { bundle, type View } from "./views/view";

/** Shows a view now: for a second picture in one cell. The last expression of a cell is shown by itself. */
export function show(view: View): void {
  publishDisplay(bundle(view));
}

/** Rows under a caption; the first column names the row. */
export function showTable(table: TableData): View {
  return tableView(table);
}

/** A tap, as far as pictures follow one: given to showTopics, showSequence or showPackets, the picture is live. */
export interface WatchedPackets extends Watched {
  readonly packets: readonly PacketRecord[];
}

/**
 * A picture that is drawn again in its place while its cell runs and the tap sees packets, at most ten times a second.
 * It ends with the cell, which keeps the last one.
 *
 *     showLive(tap, () => showTable({ caption: "So far", columns: ["packets"], rows: [[tap.packets.length]] }));
 */
export function showLive<Kind extends string, Data>(tap: Watched, draw: () => View<Kind, Data>): View<Kind, Data> {
  return liveView(tap, draw);
}

function of<Made extends View>(
  source: readonly PacketRecord[] | WatchedPackets,
  draw: (records: readonly PacketRecord[]) => Made,
): Made {
  if (!("packets" in source)) return draw(source);
  return liveView(source, () => draw(source.packets)) as Made;
}

/** Packets in order, each unfolding to what it says and to its bytes with every field's range. Live when given a tap. */
export function showPackets(
  records: readonly PacketRecord[] | WatchedPackets,
  options: { caption?: string; unfold?: readonly number[] } = {},
): View {
  return of(records, (all) => packetsView(explained(all), options));
}

/**
 * A sequence diagram: a lane for each client and the broker, time downwards, one numbered arrow a packet; below those in
 * `unfold` their bytes, each field's range named. Live when given a tap.
 */
export function showSequence(
  records: readonly PacketRecord[] | WatchedPackets,
  options: { title?: string; clients?: readonly string[]; unfold?: readonly number[] } = {},
): View {
  return of(records, (all) => sequenceView(explained(all), options));
}

/** One packet's bytes, each field's range named. */
export function showBytes(record: PacketRecord): View {
  return bytesView(record.bytes, record.fields);
}

/** TLS records as they passed a tap, and what anybody on the way can read of each. */
export function showRecords(records: readonly TlsRecord[], options: { caption?: string } = {}): View {
  return tlsView(records, options);
}

/** Who can read what: a row for each way that a message takes, a column for each party it passes. */
export function showSight(sight: SightData): View {
  return sightView(sight);
}

/** Mosquitto's default time stamp, seconds since 1970: no reader compares those by eye. */
const EPOCH = /^\d{9,}: /;

/** A broker's log, or some of its lines, with what Mosquitto means by each. */
export function showLog(log: LogBook | readonly LogLine[], options: { caption?: string } = {}): View {
  const lines = log instanceof LogBook ? log.lines : log;
  const meanings = explainLog(lines.map((line) => line.text));
  return logView(
    lines.map((line, i) => ({ ...meanings[i], number: line.number, text: line.text.replace(EPOCH, "") })),
    options,
  );
}

/**
 * The logs of several brokers beside each other in the order of time, with what each line means. Lines about our own
 * questions are left out.
 * @param logs by the name that the column gets: brokers, their logs, or some lines.
 * @param options.only which lines. @param options.since milliseconds since 1970 (Date.now()): earlier ones are left out, and the clock begins there.
 */
export function showLogs(
  logs: Readonly<Record<string, { readonly logs: LogBook } | LogBook | readonly LogLine[]>>,
  options: { caption?: string; only?: RegExp; since?: number } = {},
): View {
  const { caption, only, since = 0 } = options;
  const all = Object.entries(logs).flatMap(([lane, log]) => {
    const book = "logs" in log ? log.logs : log;
    const lines = book instanceof LogBook ? book.lines : book;
    const meanings = explainLog(lines.map((line) => line.text));
    const told = lines.map((line, i) => ({ ...meanings[i], line, lane }));
    return told.filter(({ line }) => !line.probe && line.at >= since && (only?.test(line.text) ?? true));
  });
  all.sort((a, b) => a.line.at - b.line.at || a.line.number - b.line.number);
  const began = since || (all[0]?.line.at ?? 0);
  const lines = all.map(({ line: { at, number, text }, lane, meaning, weight }) => ({
    at: at - began,
    lane,
    number,
    text: text.replace(EPOCH, ""),
    ...(meaning ? { meaning } : {}),
    ...(weight ? { weight } : {}),
  }));
  return logsView({ lanes: Object.keys(logs), lines }, { caption });
}

/** The way from a broker's process to a CONNACK, hop by hop. */
export function showHealth(health: Health): View {
  return ladderView(health.hops, { title: `${health.broker}, hop by hop` });
}

/**
 * A tree of topics and whom each message reached: from what a tap recorded, or from counts of your own. Given the tap
 * itself, the tree follows it while the cell runs.
 */
export function showTopics(
  source: readonly PacketRecord[] | WatchedPackets | Pick<TopicsData, "topics" | "readers">,
  options: { title?: string } = {},
): View {
  if ("topics" in source) return topicsView({ ...source, ...options });
  return of(source, (all) => topicsView({ ...topicsOf(all as readonly Drawn[]), ...options }));
}

/** Lanes of events, and values that hold from one point to the next, over one axis of time. */
export function showTimeline(of: {
  title?: string;
  unit?: string;
  lanes: readonly TimelineLane[];
  series?: readonly TimelineSeries[];
}): View {
  return timelineView(of);
}

/**
 * A chart of rows: a heat map, lines, bars, or a Vega-Lite specification of your own.
 *
 *     await showChart({ title: "Messages by client", rows, bars: { name: "client", value: "messages" } })
 *     await showChart({ title: "The queue", rows, lines: { x: "second", y: "queued", limit: { value: 5, label: "full" } } })
 *     await showChart({ title: "The price of QoS", rows, heat: { x: "subscribed", y: "published", value: ["packets", "bytes"] } })
 *     await showChart({ title: "Sizes", rows, spec: { mark: "point", encoding: { x: { field: "bytes" } } } })
 *
 * @throws LabError BAD_ARGUMENT for fields that no row has, and for a specification that Vega-Lite cannot draw.
 */
export async function showChart(
  chart: { title: string; rows: readonly ChartRow[]; description?: string } & ChartLook,
): Promise<View<"chart", ChartData>> {
  return chartView(chart);
}

/** Brokers, clients and what connects them: `showTopology(await lab.topology())`, or a picture of your own. */
export function showTopology(topology: Omit<TopologyData, "title"> & { title?: string }): View {
  return topologyView(topology);
}

/** What the tap recorded, and in words what it means; of long recordings only what views keep. */
function explained(records: readonly PacketRecord[]): Drawn[] {
  const last = records.length - KEPT;
  return records.map((record, i) =>
    i < KEPT || i >= last ? ({ ...record, explanation: explainPacket(record) } as Drawn) : (record as Drawn),
  );
}

/** At either end: see views/packets. */
const KEPT = 200;
