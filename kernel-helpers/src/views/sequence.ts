import { dump, dumpText } from "./dump";
import { escapeText, isolateSvg, visible } from "./escape";
import { type Folded, fold } from "./fold";
import { flow, labelParts, labelText, type Part, sentence, since } from "./label";
import { foldText, type PacketsData, packetsData, plainBytes, textLane } from "./packets";
import { clientNames, lost, type PacketRecord, toBytes, wireLength } from "./record";
import { arrowhead, cross, fit, measure, n, picture } from "./svg";
import { count, textTable } from "./text";
import { colour, font } from "./theme";
import { type View, view } from "./view";

export interface SequenceOptions {
  readonly title?: string;
  /** Clients from left to right by id; the broker stands between those who mostly send and those who mostly receive. */
  readonly clients?: readonly string[];
  /** The packets, by number, whose bytes are shown below their arrows with each field's range; at most four. */
  readonly unfold?: readonly number[];
}

/** What is kept of a sequence. */
export interface SequenceData extends PacketsData {
  readonly clients?: readonly string[];
  readonly unfold?: readonly number[];
}

const TITLE = "Packets in sequence";
const LARGEST = 30_000;
/** For a packet's number and time; wider where numbers have more than three digits. */
const GUTTER = 104;
const gutter = (shown: readonly PacketRecord[]): number =>
  GUTTER + 9 * Math.max(0, Math.max(...shown.map((record) => String(record.number).length)) - 3);
const ROW = 36;
const TOP = 92;

/** A sequence diagram: a lane for each client and the broker, time downwards, one numbered arrow a packet. At most 30 kB. */
export function sequenceView(
  records: readonly PacketRecord[],
  options: SequenceOptions = {},
): View<"sequence", SequenceData> {
  const title = options.title ?? TITLE;
  const { clients, unfold } = options;
  const data: SequenceData = {
    ...packetsData(records, title),
    ...(clients?.length ? { clients: [...clients] } : {}),
    ...(unfold?.length ? { unfold: [...unfold] } : {}),
  };
  const text = records.length ? plain(title, records, unfold) : nothingYet(title);
  return view("sequence", data, { as: "svg", picture: sequencePicture(records, options), text });
}

const nothingYet = (title: string): string => `${visible(title)}: no packets yet`;

/** The picture alone, for a page that says the rest in a way of its own. */
export function sequencePicture(records: readonly PacketRecord[], options: SequenceOptions = {}): string {
  const title = options.title ?? TITLE;
  if (!records.length) {
    const said = nothingYet(title);
    const width = Math.max(260, Math.ceil(measure(said)) + 40);
    const body = `<text x="20" y="31" fill="${colour.muted}">${escapeText(said)}</text>`;
    return picture({ title, desc: said, width, height: 50, body });
  }
  // Long topics, payloads and ids shorten first; what is still too large folds further.
  for (const [keep, limit, full] of [
    [40, 40, 200],
    [40, 28, 60],
    [40, 20, 0],
    [24, 14, 0],
    [12, 10, 0],
  ] as const) {
    const svg = draw(title, records, options, { keep, limit, full });
    if (keep === 12 || new TextEncoder().encode(svg).length <= LARGEST) return svg;
  }
  throw new Error("unreachable: the last attempt returns");
}

interface Fit {
  /** Most packets, longest foreign text in a label, longest full text in an arrow's own title (0: no title). */
  readonly keep: number;
  readonly limit: number;
  readonly full: number;
}

interface Lane {
  readonly name: string;
  readonly broker: boolean;
  readonly x: number;
}

function draw(title: string, records: readonly PacketRecord[], options: SequenceOptions, size: Fit): string {
  const folded = fold(records, size.keep);
  const shown = [...folded.head, ...folded.tail];
  const name = clientNames(records);
  const labels = new Map(
    shown.map((record) => [record, labelParts(record, { limit: size.limit, lane: name(record) })]),
  );
  const widths = new Map(shown.map((record) => [record, partsWidth(labels.get(record) ?? [])]));
  const wide = (record: PacketRecord) => widths.get(record) ?? 0;
  const lanes = placeLanes(shown, name, options, wide);
  const broker = lanes.find((lane) => lane.broker) as Lane;
  const first = records[0]?.at ?? 0;
  const widest = Math.max(...shown.map(wide));
  const last = lanes.at(-1) as Lane;
  const left = gutter(shown);
  const unfolded = new Map(
    shown
      .filter((one) => options.unfold?.includes(one.number))
      .slice(0, 4)
      .map((one) => [one, bytesOf(one)]),
  );
  const dumped = Math.max(0, ...[...unfolded.values()].flat().map((line) => measure(line, MONO))) + 64;
  const width = Math.ceil(
    Math.max(last.x + boxWidth(last.name) / 2 + 20, left + widest + 40, measure(title, { bold: true }) + 40, dumped),
  );
  const rows: string[] = [];
  let y = TOP;
  const add = (record: PacketRecord) => {
    const client = lanes.find((lane) => !lane.broker && lane.name === name(record)) as Lane;
    rows.push(
      arrow(record, labels.get(record) ?? [], {
        client,
        broker,
        lanes,
        y,
        width,
        left,
        wide: wide(record),
        time: since(record.at, first),
        full: size.full,
      }),
    );
    y += ROW;
    const lines = unfolded.get(record) ?? [];
    if (!lines.length) return;
    rows.push(bytesBox(record, lines, y - 6, width));
    y += lines.length * LINE + 16;
  };
  folded.head.forEach(add);
  if (folded.folded.length) {
    rows.push(foldRow(folded, y, width));
    y += ROW;
  }
  folded.tail.forEach(add);
  const bottom = y - ROW + 26;
  const key = legend(shown, bottom + 24, width);
  const desc = describe(records, folded, name, size);
  return picture({
    title,
    desc,
    width,
    height: bottom + 24 + key.height,
    body: heading(title) + lifelines(lanes, bottom) + rows.join("") + key.body,
  });
}

/** Senders left of the broker, receivers right of it; one client alone stands left. */
function placeLanes(
  shown: readonly PacketRecord[],
  name: (record: PacketRecord) => string,
  options: SequenceOptions,
  wide: (record: PacketRecord) => number,
): Lane[] {
  const clients = [...new Set(shown.map(name))];
  const wish = options.clients ?? [];
  const rank = (client: string) => (wish.includes(client) ? wish.indexOf(client) : wish.length);
  const published = (client: string, direction: string) =>
    shown.filter((r) => name(r) === client && r.direction === direction && r.packet.type.toLowerCase() === "publish")
      .length;
  const receives = (client: string) => published(client, "to-client") > published(client, "to-broker");
  const left = clients.filter((client) => !receives(client)).sort((a, b) => rank(a) - rank(b));
  const right = clients.filter(receives).sort((a, b) => rank(a) - rank(b));
  if (!left.length && right.length === 1) left.push(right.pop() as string);
  const order = [
    ...left.map((one) => ({ name: one, broker: false })),
    { name: "broker", broker: true },
    ...right.map((one) => ({ name: one, broker: false })),
  ];
  // A gap must hold the labels of the arrows that span it alone; with many lanes labels run across them.
  const widest = (client: string) => Math.max(0, ...shown.filter((r) => name(r) === client).map(wide));
  const most = order.length <= 2 ? 460 : order.length <= 3 ? 316 : order.length <= 5 ? 210 : 160;
  let x = gutter(shown) + 8 + boxWidth(order[0]?.name ?? "") / 2;
  return order.map((lane, i) => {
    if (i > 0) {
      const beside = lane.broker ? order[i - 1] : order[i - 1]?.broker ? lane : undefined;
      x += Math.min(most, Math.max(170, (beside ? widest(beside.name) : 0) + 36));
    }
    return { ...lane, x: Math.round(x) };
  });
}

const laneLabel = (name: string): string => fit(visible(name), 136, { bold: true });
const boxWidth = (name: string): number => Math.max(64, Math.ceil(measure(laneLabel(name), { bold: true })) + 22);

const heading = (title: string) => `<text x="20" y="28" font-weight="600">${escapeText(title)}</text>`;

function lifelines(lanes: readonly Lane[], bottom: number): string {
  return lanes
    .map((lane) => {
      const label = laneLabel(lane.name);
      const w = boxWidth(lane.name);
      const box = lane.broker
        ? `<rect x="${lane.x - w / 2}" y="42" width="${w}" height="26" fill="${colour.ink}"/>`
        : `<rect x="${lane.x - w / 2}" y="42" width="${w}" height="26" rx="13" fill="${colour.quiet}" stroke="${colour.muted}"/>`;
      const full = label === lane.name ? "" : `<title>${escapeText(lane.name.slice(0, 200))}</title>`;
      return (
        `<g>${full}<path d="M${lane.x} 68V${bottom}" stroke="${lane.broker ? colour.ink : colour.muted}" stroke-width="${lane.broker ? 2 : 1}"/>${box}` +
        `<text x="${lane.x}" y="59.5" text-anchor="middle" font-weight="600"${lane.broker ? ` fill="${colour.card}"` : ""}>${isolateSvg(label)}</text></g>`
      );
    })
    .join("");
}

const DASH = { 0: "2 4", 1: "8 4", 2: "" } as const;

function stroke(record: PacketRecord): string {
  const qos = flow(record);
  if (qos === undefined) return 'stroke-width="1.2"';
  return `stroke-width="${qos === 2 ? 2.8 : 2}"${DASH[qos] ? ` stroke-dasharray="${DASH[qos]}"` : ""}`;
}

interface Place {
  readonly client: Lane;
  readonly broker: Lane;
  readonly lanes: readonly Lane[];
  readonly y: number;
  readonly width: number;
  /** Where the gutter ends. */
  readonly left: number;
  /** Of the label, in pixels. */
  readonly wide: number;
  readonly time: string;
  readonly full: number;
}

function arrow(record: PacketRecord, parts: readonly Part[], at: Place): string {
  const up = record.direction === "to-broker";
  const from = up ? at.client.x : at.broker.x;
  const to = up ? at.broker.x : at.client.x;
  const right = to > from;
  const hue = up ? colour.up : colour.down;
  const gone = lost(record);
  const end = gone ? from + (to - from) * 0.78 : to;
  const line = at.y + 18;
  const tip = gone ? cross(end, line, 5) : arrowhead(end + (right ? -1 : 1), line, right);
  const shaft = `<path d="M${from} ${line}H${n(gone ? end : end + (right ? -8 : 8))}" ${stroke(record)}/>`;
  const { wide } = at;
  const x = Math.min(Math.max((from + (gone ? end : to)) / 2, at.left + wide / 2), at.width - wide / 2 - 12);
  // A label that runs across a lane hides that piece of it: lines through letters are hard to read. One that only reaches
  // a lane (widths are measured generously) leaves it whole.
  const crossed = at.lanes.some((lane) => Math.abs(lane.x - x) < wide / 2 - 4);
  const plate = crossed
    ? `<rect x="${n(x - wide / 2 - 3)}" y="${line - 20}" width="${n(wide + 6)}" height="17" fill="${colour.card}"/>`
    : "";
  const tooltip = at.full ? `<title>${escapeText(labelText(record, { limit: at.full }))}</title>` : "";
  return (
    `<g data-packet="${record.number}">${tooltip}${plate}` +
    `<text x="${at.left - 70}" y="${line + 4}" text-anchor="end" font-weight="700">${record.number}</text>` +
    `<text x="${at.left - 62}" y="${line + 4}" font-size="${font.small}" fill="${colour.muted}">${at.time}</text>` +
    `<g stroke="${hue}" fill="${hue}">${shaft}${tip}</g>` +
    `<text x="${n(x)}" y="${line - 7}" text-anchor="middle">${parts.map(tspan).join("")}</text></g>`
  );
}

function tspan(part: Part, i: number): string {
  const text = part.foreign ? isolateSvg(part.text) : escapeText(part.text);
  const gap = i ? ' dx="8"' : "";
  if (i === 0) return `<tspan font-weight="600">${text}</tspan>`;
  const weight = part.bad ? ` font-weight="700" fill="${colour.bad}"` : part.strong ? ' font-weight="700"' : "";
  return `<tspan${gap}${weight}>${text}</tspan>`;
}

const partsWidth = (parts: readonly Part[]): number =>
  parts.reduce(
    (sum, part, i) => sum + measure(visible(part.text), { bold: i === 0 || part.strong || part.bad }) + (i ? 8 : 0),
    0,
  );

const LINE = 16;
const MONO = { mono: true, size: font.small } as const;

/** A packet's bytes, line by line, with the field that each range is. */
const bytesOf = (record: PacketRecord): string[] =>
  dumpText(dump(toBytes(record.bytes), record.fields ?? [], { limit: 96, length: wireLength(record) }), 100).split(
    "\n",
  );

function bytesBox(record: PacketRecord, lines: readonly string[], y: number, width: number): string {
  const text = lines.map(
    (line, i) => `<text x="32" y="${y + 17 + i * LINE}">${isolateSvg(line.replaceAll(" ", "\u00a0"))}</text>`,
  );
  return (
    `<g data-bytes="${record.number}" font-family="${font.mono}" font-size="${font.small}">` +
    `<rect x="20" y="${y}" width="${width - 40}" height="${lines.length * LINE + 10}" rx="4" fill="${colour.quiet}" stroke="${colour.edge}"/>${text.join("")}</g>`
  );
}

function foldRow(folded: Folded<PacketRecord>, y: number, width: number): string {
  const zigzag = `<path d="M${GUTTER - 10} ${y + 10}${"l5-4 5 8 5-4".repeat(Math.floor((width - GUTTER - 10) / 15))}" fill="none" stroke="${colour.edge}"/>`;
  return `${zigzag}<text x="${Math.round((width + GUTTER) / 2)}" y="${y + 14.5}" text-anchor="middle" fill="${colour.muted}" stroke="${colour.card}" stroke-width="8" paint-order="stroke">${escapeText(foldText(folded.folded))}</text>`;
}

/** Only the kinds that are in the picture. */
function legend(shown: readonly PacketRecord[], y: number, width: number): { body: string; height: number } {
  const has = (qos: number) => shown.some((record) => flow(record) === qos);
  const up = shown.some((record) => record.direction === "to-broker");
  const down = shown.some((record) => record.direction === "to-client");
  const sample = (style: string) => `<path d="M0-4H30" stroke="${colour.ink}" ${style}/>`;
  const tip = (hue: string, right: boolean) =>
    `<g stroke="${hue}" fill="${hue}"><path d="M${right ? 0 : 8}-4H${right ? 22 : 30}" stroke-width="1.6"/>${arrowhead(right ? 30 : 0, -4, right)}</g>`;
  const items: [string, string][] = [];
  if (up) items.push([tip(colour.up, true), "client to broker"]);
  if (down) items.push([tip(colour.down, false), "broker to client"]);
  if (has(0)) items.push([sample('stroke-width="2" stroke-dasharray="2 4"'), "QoS 0"]);
  if (has(1)) items.push([sample('stroke-width="2" stroke-dasharray="8 4"'), "QoS 1 flow"]);
  if (has(2)) items.push([sample('stroke-width="2.8"'), "QoS 2 flow"]);
  if (shown.some(lost)) items.push([`<g transform="translate(15-4)">${cross(0, 0, 5)}</g>`, "never arrived"]);
  let x = 20;
  let row = 0;
  const body = items.map(([mark, text]) => {
    const w = 38 + measure(text, { size: font.small }) + 22;
    if (x > 20 && x + w > width) {
      x = 20;
      row++;
    }
    const place = `<g transform="translate(${n(x)} ${y + row * 20})">${mark}<text x="38" fill="${colour.muted}">${text}</text></g>`;
    x += w;
    return place;
  });
  return { body: `<g font-size="${font.small}">${body.join("")}</g>`, height: row * 20 + 16 };
}

function describe(
  records: readonly PacketRecord[],
  folded: Folded<PacketRecord>,
  name: (record: PacketRecord) => string,
  size: Fit,
): string {
  const say = (record: PacketRecord) =>
    sentence(record, name(record).slice(0, 60), { limit: Math.max(12, size.limit) });
  const middle = folded.folded.length ? [`${foldText(folded.folded)}.`] : [];
  return [`${count(records.length, "packet")}.`, ...folded.head.map(say), ...middle, ...folded.tail.map(say)].join(
    "\n",
  );
}

/** For a terminal: who, an arrow, whom, and the packet, with the number that prose refers to. */
function plain(title: string, records: readonly PacketRecord[], unfold: readonly number[] = []): string {
  const { head, tail, folded } = fold(records, 40);
  const name = clientNames(records);
  const first = records[0]?.at ?? 0;
  const row = (record: PacketRecord) => [
    String(record.number),
    since(record.at, first),
    textLane(record, name(record)),
    labelText(record),
  ];
  const rows = [...head.map(row), ...(folded.length ? [["⋮", "", "", foldText(folded)]] : []), ...tail.map(row)];
  const columns = [
    { title: "#", align: "right" },
    { title: "time", align: "right" },
    { title: "lane", max: 44 },
    { title: "packet", max: 76 },
  ] as const;
  const bytes = [...head, ...tail].filter((record) => unfold.includes(record.number)).map(plainBytes);
  const heading = `${visible(title)}: ${count(records.length, "packet")}`;
  return [heading, textTable(columns, rows), ...bytes].join("\n\n");
}
