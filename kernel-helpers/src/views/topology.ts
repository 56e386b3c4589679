import { escapeText, isolateSvg, visible } from "./escape";
import { cross, fit, lines, measure, n, picture } from "./svg";
import { count, textTable } from "./text";
import { colour, font } from "./theme";
import { type Placed, placeTree } from "./tree";
import { type View, view } from "./view";

export type NodeState = "up" | "down" | "paused" | "unknown";

export interface TopologyNode {
  readonly id: string;
  readonly kind: "broker" | "client" | "service";
  /** Default: the id. */
  readonly label?: string;
  readonly state?: NodeState;
  /** A second line: "mosquitto 2.1.2 · docker", "mqtt://127.0.0.1:49153". */
  readonly detail?: string;
}

export interface TopologyEdge {
  readonly from: string;
  readonly to: string;
  /** A bridge between brokers is drawn double; everything else is a connection. */
  readonly kind?: "connection" | "bridge";
  readonly state?: "up" | "down" | "unknown";
  /** "# both 1", "QoS 1 · alerts/#"; a line break begins a new line. */
  readonly label?: string;
}

export interface TopologyData {
  readonly title: string;
  readonly nodes: readonly TopologyNode[];
  readonly edges: readonly TopologyEdge[];
}

const BOX = { w: 168, h: 52, gapX: 28, gapY: 76 };
/** Rows stand further apart where what crosses between them is said in words. */
const WORDY = 108;
/** The widest label. */
const LABEL = 236;
const MOST = 60;

/** Brokers, clients and services, and what connects them: kind by shape, state by word and line style. */
export function topologyView(of: {
  title?: string;
  nodes: readonly TopologyNode[];
  edges: readonly TopologyEdge[];
}): View<"topology", TopologyData> {
  const title = of.title ?? "Topology";
  const data: TopologyData = {
    title,
    nodes: of.nodes.map((one) => ({ ...one })),
    edges: of.edges.map((one) => ({ ...one })),
  };
  const text = plain(data);
  return view("topology", data, { as: "svg", picture: of.nodes.length ? draw(data) : nothing(title), text });
}

function nothing(title: string): string {
  const said = `${visible(title)}: no brokers yet`;
  const body = `<text x="20" y="31" fill="${colour.muted}">${escapeText(said)}</text>`;
  return picture({ title, desc: said, width: Math.max(260, Math.ceil(measure(said)) + 40), height: 50, body });
}

function draw(data: TopologyData): string {
  const nodes = data.nodes.slice(0, MOST);
  const known = new Set(nodes.map((node) => node.id));
  const edges = data.edges.filter((edge) => known.has(edge.from) && known.has(edge.to));
  const widths = edges.flatMap((edge) => partsOf(edge).map((part) => measure(part, { size: font.small })));
  const widest = Math.min(LABEL, Math.max(0, ...widths));
  const placed = placeTree(
    nodes,
    edges,
    widest ? { ...BOX, gapX: Math.max(36, widest - BOX.w + 36), gapY: WORDY } : BOX,
  );
  // A label at the edge may be wider than the node that it leads to.
  const beyond = Math.max(0, widest + 6 - BOX.w);
  const width = Math.ceil(Math.max(placed.width + beyond + 40, measure(data.title, { bold: true }) + 40, 320));
  const shift = (width - placed.width) / 2;
  const at = (id: string): Placed => {
    const place = placed.at.get(id) as Placed;
    return { ...place, x: place.x + shift, y: place.y + 52 };
  };
  const taken: Box[] = nodes.map((node) => boxOf(at(node.id)));
  const routed = edges.map((edge, i) => ({ edge, way: route(at(edge.from), at(edge.to), bends(edges, i)) }));
  // An arch below the last row needs room.
  const below = Math.max(0, ...routed.map(({ way }) => way.labelY + 28 - placed.height - 52));
  const left = data.nodes.length - nodes.length;
  const note = left
    ? `<text x="20" y="${Math.ceil(placed.height + below + 84)}" fill="${colour.muted}">${count(left, "more node")} not drawn</text>`
    : "";
  const body =
    `<text x="20" y="28" font-weight="600">${escapeText(data.title)}</text>` +
    routed.map(({ edge, way }) => edgeSvg(edge, way)).join("") +
    routed.map(({ edge, way }) => edgeLabel(edge, way, taken)).join("") +
    nodes.map((node) => nodeSvg(node, at(node.id))).join("") +
    note;
  return picture({
    title: data.title,
    desc: describe(data),
    width,
    height: Math.ceil(placed.height + below + (left ? 104 : 76)),
    body,
  });
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

const boxOf = (at: Placed): Box => ({ x: at.x - BOX.w / 2, y: at.y, w: BOX.w, h: BOX.h });

/** Two edges between the same two nodes bend apart. */
function bends(edges: readonly TopologyEdge[], i: number): number {
  const me = edges[i] as TopologyEdge;
  const same = edges.filter((edge) => [edge.from, edge.to].sort().join("\0") === [me.from, me.to].sort().join("\0"));
  if (same.length < 2) return 0;
  const bend = (same.indexOf(me) - (same.length - 1) / 2) * 56;
  return me.from < me.to ? bend : -bend;
}

function edgeSvg(edge: TopologyEdge, way: Way): string {
  const down = edge.state === "down";
  const hue = down ? colour.bad : edge.kind === "bridge" ? colour.up : colour.muted;
  const dash = down || edge.state === "unknown" ? ' stroke-dasharray="6 4"' : "";
  const path = `<path d="${way.path}"`;
  const shape =
    edge.kind === "bridge"
      ? `${path} stroke="${hue}" stroke-width="6"${dash}/>${path} stroke="${colour.card}" stroke-width="2.4"/>`
      : `${path} stroke="${hue}" stroke-width="1.6"${dash}/>`;
  return `<g fill="none">${shape}${down ? cross(Math.round(way.x), Math.round(way.y), 6) : ""}</g>`;
}

/** The lines of an edge's label, with its state in words. */
function partsOf(edge: TopologyEdge): string[] {
  const state = edge.state === "down" ? "down" : edge.state === "unknown" ? "state unknown" : "";
  const parts = (edge.label ?? "").split("\n").filter(Boolean).map(visible);
  if (state) parts.push([parts.pop() ?? "", state].filter(Boolean).join(" · "));
  return parts;
}

/** The label stands at the lower end, where edges have parted; it moves until it is off boxes and other labels. */
function edgeLabel(edge: TopologyEdge, way: Way, taken: Box[]): string {
  const words = partsOf(edge);
  if (!words.length) return "";
  const down = edge.state === "down";
  const short = words.length > 1 || measure(words[0]!, { size: font.small }) <= LABEL;
  const cut = (part: string) => fit(part, LABEL, { size: font.small });
  const shown = short ? words.slice(0, 3).map(cut) : lines(words[0]!, LABEL, 2, font.small);
  const w = Math.max(...shown.map((line) => measure(line, { size: font.small }))) + 6;
  const h = shown.length * 15 + 1;
  const left = way.labelX - w / 2;
  const clash = (top: number) =>
    taken.some((box) => left < box.x + box.w && box.x < left + w && top < box.y + box.h && box.y < top + h);
  const start = way.labelY - h / 2;
  let top = start;
  for (let step = 1; clash(top) && step < 12; step++) top = start + (step % 2 ? -1 : 1) * Math.ceil(step / 2) * 8;
  taken.push({ x: left, y: top, w, h });
  const text = shown.map(
    (line, i) =>
      `<text x="${n(way.labelX)}" y="${n(top + 12 + i * 15)}" text-anchor="middle" font-size="${font.small}"${down ? ` fill="${colour.bad}"` : ""}>${isolateSvg(line)}</text>`,
  );
  return `<rect x="${n(left)}" y="${n(top)}" width="${n(w)}" height="${h}" fill="${colour.card}"/>${text.join("")}`;
}

/** A path, its middle (for a cross) and where its label stands. */
interface Way {
  readonly path: string;
  readonly x: number;
  readonly y: number;
  readonly labelX: number;
  readonly labelY: number;
}

/** From edge to edge of the boxes: curved between rows, an arch below within one. */
function route(from: Placed, to: Placed, bend: number): Way {
  if (from.id === to.id) {
    const x = from.x + BOX.w / 2;
    const middle = { x: x + 20, y: from.y + 26 };
    return { path: `M${n(x)} ${from.y + 14}c26-10 26 34 0 24`, ...middle, labelX: from.x, labelY: from.y + BOX.h + 12 };
  }
  if (from.row === to.row) {
    const [a, b] = from.column < to.column ? [from, to] : [to, from];
    const y = a.y + BOX.h;
    const low = y + 34 + Math.abs(bend) / 3 + (b.column - a.column - 1) * 12;
    const [x1, x2] = [a.x + BOX.w / 5 + bend / 4, b.x - BOX.w / 5 - bend / 4];
    const middle = { x: (a.x + b.x) / 2, y: y + (low - y) * 0.75 };
    return {
      path: `M${n(x1)} ${y}C${n(x1)} ${n(low)} ${n(x2)} ${n(low)} ${n(x2)} ${y}`,
      ...middle,
      labelX: middle.x,
      labelY: middle.y,
    };
  }
  const [a, b] = from.row < to.row ? [from, to] : [to, from];
  const [y1, y2] = [a.y + BOX.h, b.y];
  const middle = (y1 + y2) / 2;
  const [x1, x2] = [a.x + bend * 0.7, b.x + bend * 0.7];
  const path = `M${n(x1)} ${y1}C${n(x1)} ${n(middle)} ${n(x2)} ${n(middle)} ${n(x2)} ${y2}`;
  // A cross stands nearer to the upper end: labels are at the lower one.
  const t = 0.38;
  const along = (from: number, bent1: number, bent2: number, to: number) =>
    (1 - t) ** 3 * from + 3 * (1 - t) ** 2 * t * bent1 + 3 * (1 - t) * t ** 2 * bent2 + t ** 3 * to;
  return { path, x: along(x1, x1, x2, x2), y: along(y1, middle, middle, y2), labelX: x2, labelY: y2 - 24 };
}

function nodeSvg(node: TopologyNode, at: Placed): string {
  const state = node.state ?? "unknown";
  const off = state === "down";
  const hue = off ? colour.bad : node.kind === "broker" ? colour.ink : colour.muted;
  const dash = off || state === "paused" ? ' stroke-dasharray="5 4"' : "";
  const { x, y, w, h } = boxOf(at);
  const fill = off ? colour.badTint : node.kind === "broker" ? "#dcecf7" : colour.quiet;
  const edge = `fill="${fill}" stroke="${hue}" stroke-width="${node.kind === "broker" ? 2 : 1.4}"${dash}`;
  const shape =
    node.kind === "service"
      ? `<path d="M${n(x + 12)} ${y}h${w - 24}l12 ${h / 2}l-12 ${h / 2}h-${w - 24}l-12-${h / 2}z" ${edge}/>`
      : `<rect x="${n(x)}" y="${y}" width="${w}" height="${h}" rx="${node.kind === "client" ? h / 2 : 6}" ${edge}/>`;
  const label = fit(visible(node.label ?? node.id), w - 26, { bold: true });
  const status = state === "unknown" ? "" : state;
  const detail = fit([status, visible(node.detail ?? "")].filter(Boolean).join(" · ") || node.kind, w - 26, {
    size: font.small,
  });
  return (
    `<g><title>${escapeText(nodeText(node).slice(0, 300))}</title>${shape}` +
    `<text x="${n(at.x)}" y="${y + 22}" text-anchor="middle" font-weight="600">${isolateSvg(label)}</text>` +
    `<text x="${n(at.x)}" y="${y + 40}" text-anchor="middle" font-size="${font.small}" fill="${off ? colour.bad : colour.muted}"${off ? ' font-weight="600"' : ""}>${isolateSvg(detail)}</text></g>`
  );
}

const nodeText = (node: TopologyNode): string =>
  [`${node.kind} ${node.label ?? node.id}`, node.state ?? "", node.detail ?? ""].filter(Boolean).join(", ");

const edgeText = (edge: TopologyEdge): string =>
  `${edge.from} to ${edge.to}: ${edge.kind ?? "connection"}${edge.state ? ` ${edge.state}` : ""}${edge.label ? ` (${edge.label.replace(/\n/g, "; ")})` : ""}`;

const describe = (data: TopologyData): string =>
  [...data.nodes.slice(0, MOST).map(nodeText), ...data.edges.slice(0, MOST * 2).map(edgeText)]
    .map((one) => `${one}.`)
    .join(" ");

function plain(data: TopologyData): string {
  if (!data.nodes.length) return `${visible(data.title)}: no brokers yet`;
  const nodes = textTable(
    [{ title: "what" }, { title: "name" }, { title: "state" }, { title: "detail", max: 60 }],
    data.nodes.map((node) => [node.kind, node.label ?? node.id, node.state ?? "unknown", node.detail ?? ""]),
  );
  const edges = data.edges.map((edge) => {
    const line = edge.state === "down" ? "──✗──" : edge.kind === "bridge" ? "═════" : "─────";
    const words = [edge.kind ?? "connection", edge.state ?? "", (edge.label ?? "").replace(/\n/g, "; ")]
      .filter(Boolean)
      .join(", ");
    return `  ${visible(edge.from)} ${line} ${visible(edge.to)}  ${visible(words)}`;
  });
  return [visible(data.title), nodes, ...(edges.length ? [edges.join("\n")] : [])].join("\n\n");
}
