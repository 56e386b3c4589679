import { escapeText, isolateSvg, visible } from "./escape";
import { lines, n, picture } from "./svg";
import { textTable } from "./text";
import { colour, font, type Tone, tone } from "./theme";
import { type View, view } from "./view";

export type HopState = "ok" | "failed" | "not reached" | "not applicable";

/** One hop on the way to a working broker: what was tried, and what was seen. */
export interface Hop {
  readonly name: string;
  readonly state: HopState;
  /** What shows it: "pid 71, up 2 s", "CONNACK 0x00 in 3 ms". */
  readonly evidence?: string;
}

export interface LadderData {
  readonly title: string;
  readonly hops: readonly Hop[];
}

const TONES: Record<HopState, Tone> = { ok: "ok", failed: "bad", "not reached": "idle", "not applicable": "idle" };
const MARKS: Record<HopState, string> = { ok: "✓", failed: "✗", "not reached": "·", "not applicable": "–" };
const WIDTH = 760;
const TEXT = 372;

/** The way from a process to MQTT, hop by hop: each says its state in a word, a mark, a line style and a colour. */
export function ladderView(hops: readonly Hop[], options: { title?: string } = {}): View<"ladder", LadderData> {
  const title = options.title ?? "Hop by hop";
  const summary = verdict(hops);
  const desc = `${summary} ${hops.map(said).join(" ")}`.trim();
  const text = hops.length
    ? `${visible(title)}: ${summary}\n\n${textTable(
        [{ title: "" }, { title: "hop" }, { title: "state" }, { title: "evidence", max: 70 }],
        hops.map((hop) => [MARKS[hop.state], hop.name, hop.state, hop.evidence ?? ""]),
      )}`
    : `${visible(title)}: no hops yet`;
  return view(
    "ladder",
    { title, hops: hops.map((hop) => ({ ...hop })) },
    { as: "svg", picture: draw(title, hops, summary, desc), text },
  );
}

function verdict(hops: readonly Hop[]): string {
  if (!hops.length) return "No hops yet.";
  const failed = hops.find((hop) => hop.state === "failed");
  if (failed) return `Stops at ${visible(failed.name)}.`;
  const missing = hops.find((hop) => hop.state === "not reached");
  return missing ? `Not tried yet from ${visible(missing.name)} on.` : "Every hop works.";
}

const said = (hop: Hop): string => `${hop.name}: ${hop.state}${hop.evidence ? ` (${hop.evidence})` : ""}.`;

function draw(title: string, hops: readonly Hop[], summary: string, desc: string): string {
  let y = 70;
  const parts: string[] = [];
  hops.forEach((hop, i) => {
    const shown = lines(visible(hop.evidence ?? ""), TEXT, 4, font.small);
    const height = Math.max(44, shown.length * 17 + 20);
    parts.push(rung(hop, shown, y, height));
    const next = hops[i + 1];
    if (next) parts.push(link(hop, next, y + height));
    y += height + 22;
  });
  const head =
    `<text x="20" y="28" font-weight="600">${escapeText(title)}</text>` +
    `<text x="20" y="49" fill="${colour.muted}">${escapeText(summary)}</text>`;
  return picture({ title, desc, width: WIDTH, height: hops.length ? y : 70, body: head + parts.join("") });
}

/** A box: solid edge for what was tried, dashed for what was not; the state as mark, word and colour. */
function rung(hop: Hop, evidence: readonly string[], y: number, height: number): string {
  const { text, tint } = tone[TONES[hop.state]];
  const tried = hop.state === "ok" || hop.state === "failed";
  const middle = y + height / 2;
  const name = lines(visible(hop.name), 150, 2);
  const top = (count: number, step: number) => middle - ((count - 1) * step) / 2 + 4.5;
  const names = name.map(
    (line, i) => `<text x="76" y="${n(top(name.length, 17) + i * 17)}" font-weight="600">${isolateSvg(line)}</text>`,
  );
  const texts = evidence.map(
    (line, i) =>
      `<text x="362" y="${n(top(evidence.length, 17) + i * 17)}" font-size="${font.small}">${isolateSvg(line)}</text>`,
  );
  return (
    `<g><rect x="20" y="${y}" width="${WIDTH - 40}" height="${height}" rx="8" fill="${tint}" stroke="${text}" stroke-width="${tried ? 1.8 : 1.2}"${tried ? "" : ' stroke-dasharray="5 4"'}/>` +
    `${sign(hop.state, 48, middle, text)}${names.join("")}` +
    `<text x="236" y="${n(middle + 4.5)}" fill="${text}" font-weight="600">${hop.state}</text>${texts.join("")}</g>`
  );
}

/** Drawn, not typed: a mark that looks the same whatever fonts there are. */
function sign(state: HopState, x: number, y: number, hue: string): string {
  const disc = (fill: string, extra = "") =>
    `<circle cx="${x}" cy="${n(y)}" r="11" fill="${fill}" stroke="${hue}" stroke-width="1.8"${extra}/>`;
  const pen = `fill="none" stroke="${colour.card}" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"`;
  if (state === "ok") return `${disc(hue)}<path d="M${x - 5} ${n(y + 0.5)}l3.6 3.8 6.6-8" ${pen}/>`;
  if (state === "failed") {
    return `<rect x="${x - 11}" y="${n(y - 11)}" width="22" height="22" rx="4" fill="${hue}"/><path d="M${x - 4.5} ${n(y - 4.5)}l9 9m0-9l-9 9" ${pen}/>`;
  }
  if (state === "not applicable") return `<path d="M${x - 7} ${n(y)}h14" stroke="${hue}" stroke-width="2.4"/>`;
  return disc(colour.card, ' stroke-dasharray="4 3"');
}

/** The step to the next hop: solid and green where one could be taken, broken where the way ends. */
function link(from: Hop, to: Hop, y: number): string {
  const open = from.state === "ok" || from.state === "not applicable";
  const walked = open && to.state !== "not reached";
  const hue = walked ? (to.state === "failed" ? colour.bad : colour.ok) : colour.muted;
  const dash = walked ? "" : ' stroke-dasharray="3 4"';
  return `<path d="M48 ${y}v22" stroke="${hue}" stroke-width="${walked ? 2.6 : 1.6}"${dash}/>`;
}
