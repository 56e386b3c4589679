import { escapeText, isolateSvg, visible } from "./escape";
import type { PacketRecord } from "./record";
import { fit, lines, measure, n, picture } from "./svg";
import { count, textTable, truncate } from "./text";
import { colour, font } from "./theme";
import { type View, view } from "./view";

export interface TopicCount {
  readonly topic: string;
  /** Messages. */
  readonly count: number;
}

/** A subscriber: what it asked for, and what reached it. */
export interface TopicReader {
  readonly name: string;
  readonly filters: readonly string[];
  readonly received: readonly TopicCount[];
}

export interface TopicsData {
  readonly title: string;
  /** What was published. */
  readonly topics: readonly TopicCount[];
  readonly readers: readonly TopicReader[];
}

/** A level of the tree: its name, how deep, and the topic that ends here, if one does. */
interface Level {
  readonly name: string;
  readonly path: string;
  readonly depth: number;
  readonly last: boolean;
  /** For each depth above: whether another branch follows there. */
  readonly open: readonly boolean[];
  /** Whether a topic ends here, and how often it was published; undefined: by nobody that was watched. */
  readonly ends: boolean;
  readonly published: number | undefined;
  readonly reached: readonly number[];
  /** Whether something at this level or below reached anybody. */
  readonly live: boolean;
}

const ROW = 24;
const READERS = 4;
const COLUMN = 150;

/** Topics as a tree, one row a level, and beside it which of them reached which subscriber, and how often. */
export function topicsView(of: {
  title?: string;
  topics: readonly TopicCount[];
  readers?: readonly TopicReader[];
}): View<"topics", TopicsData> {
  const data: TopicsData = {
    title: readable(of.title ?? "") || "Topics and who they reach",
    topics: summed(of.topics),
    readers: (of.readers ?? []).map((reader) => ({
      name: readable(reader.name),
      filters: reader.filters.map(readable),
      received: summed(reader.received),
    })),
  };
  const levels = treeOf(data);
  const drawn = levels.length ? drawWithin(data, levels) : nothing(data.title);
  return view("topics", data, { as: "svg", picture: drawn, text: plain(data) });
}

/** What packets say of topics: published by clients, asked for by SUBSCRIBE, delivered by the broker. */
export function topicsOf(records: readonly PacketRecord[]): Pick<TopicsData, "topics" | "readers"> {
  const published: TopicCount[] = [];
  const readers = new Map<string, { filters: Set<string>; received: TopicCount[] }>();
  const readerOf = (record: PacketRecord) => {
    const name = record.clientId ?? `connection ${record.connection}`;
    const known = readers.get(name) ?? { filters: new Set<string>(), received: [] };
    readers.set(name, known);
    return known;
  };
  for (const record of records) {
    const { type, topicName, subscriptions } = record.packet as Record<string, unknown>;
    const up = record.direction === "to-broker";
    if (type === "PUBLISH" && typeof topicName === "string" && topicName !== "" && !isPrivate(topicName)) {
      const one = { topic: topicName, count: 1 };
      if (up) published.push(one);
      else readerOf(record).received.push(one);
    } else if (type === "SUBSCRIBE" && up && Array.isArray(subscriptions)) {
      for (const { topicFilter } of subscriptions as { topicFilter?: unknown }[]) {
        if (typeof topicFilter === "string" && !isPrivate(topicFilter)) readerOf(record).filters.add(topicFilter);
      }
    }
  }
  return {
    topics: summed(published),
    readers: [...readers].map(([name, { filters, received }]) => ({ name, filters: [...filters], received })),
  };
}

/** By which `settled` of our clients speaks to itself. */
const isPrivate = (topic: string): boolean => topic.startsWith("$settled/");

/** As much of a name as anybody reads: it may have 65,535 characters, and as many levels. */
const readable = (name: string): string => (name.length > 300 ? `${name.slice(0, 299)}…` : name);

function summed(counts: readonly TopicCount[]): TopicCount[] {
  const all = new Map<string, number>();
  for (const one of counts) all.set(readable(one.topic), (all.get(readable(one.topic)) ?? 0) + one.count);
  return [...all].map(([topic, number]) => ({ topic, count: number }));
}

interface Branch {
  readonly below: Map<string, Branch>;
  topic?: string;
}

/** The rows of the tree, depth first, in the order in which topics were first seen. */
function treeOf(data: TopicsData): Level[] {
  const root: Branch = { below: new Map() };
  for (const topic of namesOf(data)) {
    let at = root;
    for (const name of topic.split("/")) {
      const next = at.below.get(name) ?? { below: new Map() };
      at.below.set(name, next);
      at = next;
    }
    at.topic = topic;
  }
  const published = new Map(data.topics.map((one) => [one.topic, one.count]));
  const received = data.readers.map((reader) => new Map(reader.received.map((one) => [one.topic, one.count])));
  const rows: Level[] = [];
  const walk = (branch: Branch, path: readonly string[], open: readonly boolean[]): boolean => {
    let live = false;
    const names = [...branch.below.keys()];
    for (const [i, name] of names.entries()) {
      const child = branch.below.get(name) as Branch;
      const last = i === names.length - 1;
      const reached = received.map((of) => (child.topic === undefined ? 0 : (of.get(child.topic) ?? 0)));
      const place = rows.length;
      const here = [...path, name];
      const ends = child.topic !== undefined;
      const row = {
        name,
        path: here.join("/"),
        depth: path.length,
        last,
        open,
        ends,
        published: published.get(child.topic ?? ""),
        reached,
      };
      rows.push({ ...row, live: false });
      const below = walk(child, here, [...open, !last]);
      const alive = below || reached.some((number) => number > 0);
      rows[place] = { ...row, live: alive };
      live ||= alive;
    }
    return live;
  };
  // A name of hundreds of levels is legal, and nobody reads it as a tree.
  walk(flattened(root, 12), [], []);
  return rows;
}

/** Below so many levels what is left of a name is one row. */
function flattened(branch: Branch, depth: number): Branch {
  const below = new Map<string, Branch>();
  for (const [name, child] of branch.below) {
    if (depth > 1) below.set(name, flattened(child, depth - 1));
    else for (const [rest, topic] of endsOf(name, child)) below.set(rest, { below: new Map(), topic });
  }
  return { ...branch, below };
}

function endsOf(name: string, branch: Branch): [string, string][] {
  const all: [string, string][] = [];
  const stack: [string, Branch][] = [[name, branch]];
  for (let at = stack.pop(); at; at = stack.pop()) {
    const [path, here] = at;
    if (here.topic !== undefined) all.push([path, here.topic]);
    for (const [next, child] of here.below) stack.push([`${path}/${next}`, child]);
  }
  return all;
}

const namesOf = (data: TopicsData): string[] => [
  ...new Set(
    [data.topics, ...data.readers.map((reader) => reader.received)].flatMap((of) => of.map((one) => one.topic)),
  ),
];

function nothing(title: string): string {
  const said = `${visible(title)}: no topics yet`;
  const body = `<text x="20" y="31" fill="${colour.muted}">${escapeText(fit(said, 600))}</text>`;
  return picture({ title, desc: said, width: 640, height: 50, body });
}

/** As many levels as 30 kB hold: a name may be made of characters of many bytes. */
function drawWithin(data: TopicsData, all: readonly Level[]): string {
  for (let most = 64; ; most -= 8) {
    const drawn = draw(data, all, most);
    if (most <= 8 || new TextEncoder().encode(drawn).length <= 30_000) return drawn;
  }
}

function draw(data: TopicsData, all: readonly Level[], most: number): string {
  const readers = data.readers.slice(0, READERS);
  const levels = all.slice(0, most);
  const deepest = Math.max(...levels.map((level) => level.depth));
  const tree = Math.min(
    340,
    Math.max(...levels.map((level) => 24 + level.depth * 22 + measure(label(level), MONO))) + 24,
  );
  const room = Math.max(tree, 24 + deepest * 22 + 90);
  const columns = readers.map((_, i) => room + 100 + i * COLUMN);
  const heads = readers.map((reader) => lines(reader.filters.map(visible).join("  "), COLUMN - 12, 3, font.small));
  const head = 62 + 16 * Math.max(1, ...heads.map((one) => one.length));
  const width = Math.ceil(Math.max(room + 100 + readers.length * COLUMN + 10, 360));
  const left = all.length - levels.length;
  const more = [
    left > 0 ? `${count(left, "more level")} not drawn` : "",
    data.readers.length > readers.length
      ? `${count(data.readers.length - readers.length, "more subscriber")} not drawn`
      : "",
  ].filter(Boolean);
  const height = head + levels.length * ROW + 16 + (more.length ? 24 : 0);
  const body =
    `<text x="20" y="28" font-weight="600">${isolateSvg(fit(visible(data.title), width - 40, { bold: true }))}</text>` +
    `<text x="${n(room)}" y="54" fill="${colour.muted}">published</text>` +
    readers.map((reader, i) => columnHead(reader, heads[i] as string[], columns[i] as number)).join("") +
    levels.map((level, i) => row(level, head + i * ROW, room, columns)).join("") +
    (more.length ? `<text x="20" y="${n(height - 16)}" fill="${colour.muted}">${more.join(", ")}</text>` : "");
  return picture({ title: data.title, desc: describe(data), width, height, body });
}

const MONO = { mono: true, size: font.size } as const;

/** An empty level is a level, and a leading slash makes one. */
const label = (level: Level): string => (level.name === "" ? "(empty level)" : visible(level.name));

function columnHead(reader: TopicReader, filters: readonly string[], x: number): string {
  const name = `<text x="${n(x)}" y="54" font-weight="600">${isolateSvg(fit(visible(reader.name), COLUMN - 12, { bold: true }))}</text>`;
  const asked = filters.map(
    (line, i) =>
      `<text x="${n(x)}" y="${70 + i * 16}" font-size="${font.small}" fill="${colour.muted}">${isolateSvg(line)}</text>`,
  );
  return name + asked.join("");
}

function row(level: Level, y: number, room: number, columns: readonly number[]): string {
  const x = 24 + level.depth * 22;
  const middle = y + ROW / 2;
  const hue = level.live ? colour.ok : colour.edge;
  const width = level.live ? 2.5 : 1.5;
  // Branches of the levels above pass by; the own one ends here.
  const above = level.open
    .map((open, i) => (open && i > 0 ? `M${n(16 + i * 22)} ${n(y)}v${ROW}` : ""))
    .filter(Boolean)
    .join("");
  const passing = above ? `<path d="${above}" stroke="${colour.edge}" stroke-width="1.5" fill="none"/>` : "";
  const own =
    level.depth === 0
      ? ""
      : `<path d="M${n(x - 16 + 8)} ${n(y)}V${n(level.last ? middle : y + ROW)}" stroke="${colour.edge}" stroke-width="1.5" fill="none"/>` +
        `<path d="M${n(x - 8)} ${n(middle)}h8" stroke="${hue}" stroke-width="${width}" fill="none"/>`;
  const text = fit(label(level), room - x - 16, MONO);
  const back =
    level.live && level.ends
      ? `<rect x="${n(x + 1)}" y="${n(y + 3)}" width="${n(measure(text, MONO) + 10)}" height="${ROW - 6}" rx="4" fill="${colour.okTint}" stroke="${colour.ok}"/>`
      : "";
  const said = `<text x="${n(x + 6)}" y="${n(middle + 4.5)}" font-family="${font.mono}"${level.ends ? "" : ` fill="${colour.muted}"`}>${isolateSvg(text)}</text>`;
  if (!level.ends) return passing + own + said;
  const sent = `<text x="${n(room)}" y="${n(middle + 4.5)}">${level.published ?? "·"}</text>`;
  return passing + own + back + said + sent + columns.map((at, i) => cell(level.reached[i] ?? 0, at, middle)).join("");
}

/** Reached or not by mark and word; colour only repeats it. */
const cell = (reached: number, x: number, middle: number): string =>
  reached
    ? `<text x="${n(x)}" y="${n(middle + 4.5)}" fill="${colour.ok}" font-weight="600">✓ ${reached}</text>`
    : `<text x="${n(x)}" y="${n(middle + 4.5)}" fill="${colour.muted}">·</text>`;

function describe(data: TopicsData): string {
  const names = namesOf(data);
  const said = data.readers.slice(0, READERS).map((reader) => {
    const asked = truncate(reader.filters.map(visible).join(", "), 120) || "nothing";
    return `${truncate(visible(reader.name), 40)} asked for ${asked} and was reached by ${reader.received.length} of them.`;
  });
  return [`${count(names.length, "topic")}.`, ...said].join(" ");
}

function plain(data: TopicsData): string {
  const names = namesOf(data);
  const title = visible(data.title);
  if (!names.length) return `${title}: no topics yet`;
  const published = new Map(data.topics.map((one) => [one.topic, one.count]));
  const received = data.readers.map((reader) => new Map(reader.received.map((one) => [one.topic, one.count])));
  const asked = data.readers.map((reader) => `${visible(reader.name)}: ${reader.filters.map(visible).join(", ")}`);
  const most = 200;
  const table = textTable(
    [
      { title: "topic" },
      { title: "published", align: "right" },
      ...data.readers.map((reader) => ({ title: reader.name, align: "right" as const, max: 24 })),
    ],
    names
      .slice(0, most)
      .map((name) => [name, String(published.get(name) ?? "·"), ...received.map((of) => String(of.get(name) ?? "·"))]),
  );
  const left = names.length > most ? `\n… and ${count(names.length - most, "more topic")}` : "";
  return `${title}\n${asked.length ? `\n${asked.join("\n")}\n` : ""}\n${table}${left}`;
}
