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
  /** "# both 1", "QoS 1 · alerts/#". */
  readonly label?: string;
}

export interface TopologyData {
  readonly title: string;
  readonly nodes: readonly TopologyNode[];
  readonly edges: readonly TopologyEdge[];
}

const BOX = { w: 168, h: 52, gapX: 28, gapY: 64 };
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
  const said = `${title}: no brokers yet`;
  const body = `<text x="20" y="31" fill="${colour.muted}">${escapeText(said)}</text>`;
  return picture({ title, desc: said, width: Math.max(260, Math.ceil(measure(said)) + 40), height: 50, body });
}

function draw(data: TopologyData): string {
  const nodes = data.nodes.slice(0, MOST);
  const known = new Set(nodes.map((node) => node.id));
  const edges = data.edges.filter((edge) => known.has(edge.from) && known.has(edge.to));
  const placed = placeTree(nodes, edges, BOX);
  const width = Math.ceil(Math.max(placed.width + 40, measure(data.title, { bold: true }) + 40, 320));
  const shift = (width - placed.width) / 2;
  const at = (id: string): Placed => {
    const place = placed.at.get(id) as Placed;
    return { ...place, x: place.x + shift, y: place.y + 52 };
  };
  const left = data.nodes.length - nodes.length;
  const note = left
    ? `<text x="20" y="${placed.height + 84}" fill="${colour.muted}">${count(left, "more node")} not drawn</text>`
    : "";
  const labels: Box[] = nodes.map((node) => boxOf(at(node.id)));
  const body =
    `<text x="20" y="28" font-weight="600">${escapeText(data.title)}</text>` +
    edges.map((edge, i) => edgeSvg(edge, at(edge.from), at(edge.to), bends(edges, i), labels)).join("") +
    nodes.map((node) => nodeSvg(node, at(node.id))).join("") +
    note;
  return picture({ title: data.title, desc: describe(data), width, height: placed.height + (left ? 104 : 76), body });
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

function edgeSvg(edge: TopologyEdge, from: Placed, to: Placed, bend: number, taken: Box[]): string {
  const down = edge.state === "down";
  const hue = down ? colour.bad : edge.kind === "bridge" ? colour.up : colour.muted;
  const dash = down || edge.state === "unknown" ? ' stroke-dasharray="6 4"' : "";
  const { path, x, y } = route(from, to, bend);
  const shape =
    edge.kind === "bridge"
      ? `<path d="${path}" stroke="${hue}" stroke-width="6"/><path d="${path}" stroke="${colour.card}" stroke-width="2.4"/>` +
        (dash ? `<path d="${path}" stroke="${colour.card}" stroke-width="6" stroke-dasharray="4 8"/>` : "")
      : `<path d="${path}" stroke="${hue}" stroke-width="1.6"${dash}/>`;
  const words = [edge.label ?? "", down ? "down" : edge.state === "unknown" ? "state unknown" : ""]
    .filter(Boolean)
    .join(" · ");
  const shown = lines(visible(words), 190, 2, font.small);
  return `<g fill="none">${shape}${down ? cross(x, y + (words ? 0 : 0), 6) : ""}</g>${words ? edgeLabel(shown, x + (down ? 14 : 0), y, down, taken) : ""}`;
}

/** A label keeps off boxes and other labels: it moves down the page until it is free. */
function edgeLabel(shown: readonly string[], x: number, y: number, beside: boolean, taken: Box[]): string {
  const w = Math.max(...shown.map((line) => measure(line, { size: font.small }))) + 6;
  const h = shown.length * 15;
  const left = beside ? x : x - w / 2;
  const clash = (top: number) =>
    taken.some((box) => left < box.x + box.w && box.x < left + w && top < box.y + box.h && box.y < top + h);
  let top = y - h / 2;
  const start = top;
  for (let step = 1; clash(top) && step < 12; step++) top = start + (step % 2 ? 1 : -1) * Math.ceil(step / 2) * 9;
  taken.push({ x: left, y: top, w, h });
  return shown
    .map(
      (line, i) =>
        `<text x="${n(left + w / 2)}" y="${n(top + 11.5 + i * 15)}" text-anchor="middle" font-size="${font.small}" stroke="${colour.card}" stroke-width="5" paint-order="stroke">${isolateSvg(line)}</text>`,
    )
    .join("");
}

/** From edge to edge of the boxes: straight between rows, an arch within one. */
function route(from: Placed, to: Placed, bend: number): { path: string; x: number; y: number } {
  if (from.id === to.id) {
    const x = from.x + BOX.w / 2;
    return { path: `M${n(x)} ${from.y + 14}c34-10 34 34 0 24`, x: x + 30, y: from.y + 26 };
  }
  if (from.row === to.row) {
    const [a, b] = from.x < to.x ? [from, to] : [to, from];
    if (a.column + 1 === b.column && !bend) {
      const y = a.y + BOX.h / 2;
      return { path: `M${n(a.x + BOX.w / 2)} ${y}H${n(b.x - BOX.w / 2)}`, x: (a.x + b.x) / 2, y };
    }
    const rise = 34 + Math.abs(bend) / 3 + (b.column - a.column) * 4;
    const y = a.y + (bend < 0 ? BOX.h : 0);
    const up = bend < 0 ? 1 : -1;
    const [x1, x2] = [a.x + BOX.w / 4, b.x - BOX.w / 4];
    return {
      path: `M${n(x1)} ${y}C${n(x1)} ${n(y + up * rise)} ${n(x2)} ${n(y + up * rise)} ${n(x2)} ${y}`,
      x: (a.x + b.x) / 2,
      y: y + up * rise * 0.75,
    };
  }
  const [a, b] = from.row < to.row ? [from, to] : [to, from];
  const [y1, y2] = [a.y + BOX.h, b.y];
  const middle = (y1 + y2) / 2;
  const [x1, x2] = [a.x + bend * 0.7, b.x + bend * 0.7];
  return {
    path: `M${n(x1)} ${y1}C${n(x1)} ${n(middle)} ${n(x2)} ${n(middle)} ${n(x2)} ${y2}`,
    x: (x1 + x2) / 2,
    y: middle,
  };
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
  `${edge.from} to ${edge.to}: ${edge.kind ?? "connection"}${edge.state ? ` ${edge.state}` : ""}${edge.label ? ` (${edge.label})` : ""}`;

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
    const words = [edge.kind ?? "connection", edge.state ?? "", edge.label ?? ""].filter(Boolean).join(", ");
    return `  ${visible(edge.from)} ${line} ${visible(edge.to)}  ${visible(words)}`;
  });
  return [visible(data.title), nodes, ...(edges.length ? [edges.join("\n")] : [])].join("\n\n");
}
