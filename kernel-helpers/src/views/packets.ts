import { dump, dumpHtml, dumpText } from "./dump";
import { escapeText, visible } from "./escape";
import { fold } from "./fold";
import { card, emptyCard, htmlTable } from "./html";
import { labelParts, labelText, type Part, since } from "./label";
import { clientNames, jsonRecord, lost, type PacketRecord, toBytes, wireLength } from "./record";
import { count, textTable, truncate, width } from "./text";
import { colour, font } from "./theme";
import { type View, view } from "./view";

export interface PacketsOptions {
  readonly caption?: string;
  /** How many packets to show before the middle folds, default 40. */
  readonly limit?: number;
  /** The packets, by number, that stand open, down to their bytes; default the only one, when there is only one. */
  readonly unfold?: readonly number[];
}

export interface PacketsData {
  readonly caption: string;
  /** How many there were; `packets` holds at most the first and last 200. */
  readonly total: number;
  readonly packets: readonly PacketRecord[];
  /** The numbers of those that stand open. */
  readonly unfold?: readonly number[];
}

/** Packets as a table: one row each, which unfolds to its explanation and its bytes. Complete without a script. */
export function packetsView(
  records: readonly PacketRecord[],
  options: PacketsOptions = {},
): View<"packets", PacketsData> {
  const caption = options.caption ?? "On the wire";
  const unfold = options.unfold ?? (records.length === 1 ? records.map((record) => record.number) : []);
  const data: PacketsData = { ...packetsData(records, caption), ...(unfold.length ? { unfold: [...unfold] } : {}) };
  if (!records.length) {
    const text = `${visible(caption)}: no packets yet`;
    return view("packets", data, { as: "html", picture: emptyCard(text), text });
  }
  const title = `${caption}: ${count(records.length, "packet")}`;
  return view("packets", data, {
    as: "html",
    picture: card(html(title, records, { ...options, unfold })),
    text: `${visible(title)}\n\n${plain(records, { ...options, unfold })}`,
  });
}

/** What a view of packets keeps: enough to draw it again, bounded however long the recording was. */
export function packetsData(records: readonly PacketRecord[], caption: string): PacketsData {
  const { head, tail } = fold(records, 400);
  return { caption, total: records.length, packets: [...head, ...tail].map((record) => jsonRecord(record)) };
}

const ARROW_COLOUR = { "to-broker": colour.up, "to-client": colour.down } as const;

function html(title: string, records: readonly PacketRecord[], options: PacketsOptions): string {
  const { head, tail, folded } = fold(records, options.limit ?? 40);
  const name = clientNames(records);
  const first = records[0]?.at ?? 0;
  const columns = Math.max(...[...head, ...tail].map((record) => Math.min(24, width(visible(name(record))))));
  const row = (record: PacketRecord) => [
    String(record.number),
    since(record.at, first),
    lane(record, name(record), columns),
    `<details${options.unfold?.includes(record.number) ? ' open=""' : ""}><summary style="cursor:pointer">${partsHtml(labelParts(record))}</summary>${unfolded(record)}</details>`,
    String(wireLength(record)),
  ];
  const note = folded.length
    ? [["⋮", "", "", `<span style="color:${colour.muted}">${foldText(folded)}</span>`, ""]]
    : [];
  return htmlTable(
    title,
    [
      { title: "#", align: "right" },
      { title: "Time", align: "right", nowrap: true },
      { title: "Client and broker", nowrap: true },
      { title: "Packet (unfolds to its bytes)" },
      { title: "Bytes", align: "right" },
    ],
    [...head.map(row), ...note, ...tail.map(row)],
  );
}

export const foldText = (folded: readonly PacketRecord[]): string =>
  `${count(folded.length, "packet")} not shown: ${folded[0]?.number} to ${folded.at(-1)?.number}`;

/** The client left, the broker right, and between them the arrow: its head says the direction, colour repeats it. */
function lane(record: PacketRecord, client: string, columns: number): string {
  const hue = ARROW_COLOUR[record.direction];
  const right = record.direction === "to-broker";
  const side =
    "display:inline-block;vertical-align:middle;width:0;height:0;border-top:4px solid transparent;border-bottom:4px solid transparent;";
  const point = `<span style="${side}border-${right ? "left" : "right"}:7px solid ${hue}"></span>`;
  const line = `<span style="display:inline-block;vertical-align:middle;width:34px;height:0;border-top:2px ${lost(record) ? "dashed" : "solid"} ${hue}"></span>`;
  const cross = lost(record) ? `<b style="color:${colour.bad}">✗</b>` : "";
  const spoken = `<span style="display:inline-block;width:0;height:0;overflow:hidden">${right ? "to" : "from"}</span>`;
  const arrow = right ? `${line}${cross}${point}` : `${point}${cross}${line}`;
  const short = truncate(visible(client), 24);
  return `<bdi style="display:inline-block;min-width:${columns}ch" title="${escapeText(client.slice(0, 200))}">${escapeText(short)}</bdi> ${spoken}${arrow} broker`;
}

/** A label's parts: type coloured by nothing, flags bold, wire text isolated in the type of code. */
export function partsHtml(parts: readonly Part[]): string {
  return parts
    .map((part, i) => {
      if (i === 0) return `<span style="font-weight:600">${escapeText(part.text)}</span>`;
      const inner = part.foreign
        ? `<bdi style="font-family:${font.mono};font-size:${font.small}px">${escapeText(part.text)}</bdi>`
        : escapeText(part.text);
      if (part.bad) return `<b style="color:${colour.bad}">${inner}</b>`;
      return part.strong ? `<b>${inner}</b>` : inner;
    })
    .join(" &nbsp;");
}

/** Columns for a field's name, so that an unfolded packet fits beside JupyterLab's file browser on a small screen. */
const BESIDE_BYTES = 26;

/** A clause's number is one word, whatever hyphens are in it. */
const unbroken = (html: string): string =>
  html.replace(/\[MQTT-[\d.]+-\d+\]/g, '<span style="white-space:nowrap">$&</span>');

function unfolded(record: PacketRecord): string {
  const sentences = (record.explanation ?? [])
    .map((one) => `<li style="margin:2px 0">${unbroken(escapeText(one))}</li>`)
    .join("");
  const list = sentences ? `<ul style="margin:6px 0;padding-left:18px">${sentences}</ul>` : "";
  const lines = dump(toBytes(record.bytes), record.fields ?? [], { length: wireLength(record) });
  return `${list}${dumpHtml(lines, BESIDE_BYTES)}`;
}

function plain(records: readonly PacketRecord[], options: PacketsOptions): string {
  const { head, tail, folded } = fold(records, options.limit ?? 40);
  const name = clientNames(records);
  const first = records[0]?.at ?? 0;
  const row = (record: PacketRecord) => [
    String(record.number),
    since(record.at, first),
    textLane(record, name(record)),
    labelText(record),
  ];
  const rows = [...head.map(row), ...(folded.length ? [["⋮", "", "", foldText(folded)]] : []), ...tail.map(row)];
  const table = textTable(
    [
      { title: "#", align: "right" },
      { title: "time", align: "right" },
      { title: "lane", max: 44 },
      { title: "packet", max: 76 },
    ],
    rows,
  );
  const bytes = [...head, ...tail].filter((record) => options.unfold?.includes(record.number)).map(plainBytes);
  return [table, ...bytes].join("\n\n");
}

export const textLane = (record: PacketRecord, client: string): string => {
  const mark = lost(record) ? "─✗─" : "───";
  return record.direction === "to-broker" ? `${client} ${mark}▶ broker` : `${client} ◀${mark} broker`;
};

export function plainBytes(record: PacketRecord): string {
  const lines = dump(toBytes(record.bytes), record.fields ?? [], { length: wireLength(record) });
  const sentences = (record.explanation ?? []).map((one) => `  ${visible(one)}\n`).join("");
  return `Packet ${record.number}, ${count(wireLength(record), "byte")}\n${sentences}${dumpText(lines)}`;
}
