import { escapeText, isolateSvg, visible } from "./escape";
import { lines, n, picture } from "./svg";
import { textTable } from "./text";
import { colour, font, tone } from "./theme";
import { type View, view } from "./view";

/** What one of the parties sees of a message. */
export interface Sight {
  readonly text: string;
  /** Whether it can read the payload. */
  readonly reads: boolean;
}

export interface SightData {
  readonly title: string;
  /** Who looks, in the order in which the message passes them. */
  readonly viewers: readonly string[];
  readonly ways: readonly {
    readonly name: string;
    readonly detail?: string;
    readonly sees: readonly Sight[];
  }[];
}

/** Three parties fit beside JupyterLab's file browser on a small screen. */
const GRID = { left: 170, gap: 12, top: 84, row: 84, column: 196 };

/**
 * Who can read what: a row for each way that a message takes, a column for each party that it passes. Reading shows by
 * an open eye, a word and a colour. @param data at most 4 viewers and 6 ways are drawn.
 */
export function sightView(data: SightData): View<"sight", SightData> {
  const own: SightData = {
    title: data.title,
    viewers: data.viewers.slice(0, 4),
    ways: data.ways.slice(0, 6).map((way) => ({ ...way, sees: way.sees.slice(0, 4).map((one) => ({ ...one })) })),
  };
  const columns = [{ title: "way" }, ...own.viewers.map((title) => ({ title, max: 40 }))];
  const rows = own.ways.map(({ name, detail, sees }) => [
    detail ? `${name} (${detail})` : name,
    ...own.viewers.map((_, i) => said(sees[i])),
  ]);
  const text = own.ways.length
    ? `${visible(own.title)}\n\n${textTable(columns, rows)}`
    : `${visible(own.title)}: nothing yet`;
  return view("sight", own, { as: "svg", picture: draw(own), text });
}

const said = (one: Sight | undefined): string => (one ? `${one.reads ? "reads" : "can't read"}: ${one.text}` : "");

function draw({ title, viewers, ways }: SightData): string {
  const width = GRID.left + Math.max(1, viewers.length) * (GRID.column + GRID.gap) + 6;
  const height = ways.length ? GRID.top + ways.length * (GRID.row + GRID.gap) + 6 : 70;
  const heads = viewers.map((name, i) => {
    const x = columnAt(i) + GRID.column / 2;
    return `<text x="${n(x)}" y="66" text-anchor="middle" font-weight="600">${isolateSvg(visible(name))}</text>`;
  });
  const rows = ways.map(({ name, detail, sees }, row) => {
    const y = GRID.top + row * (GRID.row + GRID.gap);
    const names = lines(visible(name), GRID.left - 40, 2);
    const details = detail ? lines(visible(detail), GRID.left - 40, 3, font.small) : [];
    let at = y + GRID.row / 2 - ((names.length + details.length) * 17) / 2 + 13;
    const line = (text: string, style: string) => {
      const drawn = `<text x="20" y="${n(at)}" ${style}>${isolateSvg(text)}</text>`;
      at += 17;
      return drawn;
    };
    const label = [
      ...names.map((text) => line(text, 'font-weight="600"')),
      ...details.map((text) => line(text, `font-size="${font.small}" fill="${colour.muted}"`)),
    ];
    return label.join("") + viewers.map((_, i) => (sees[i] ? cell(sees[i], columnAt(i), y) : "")).join("");
  });
  const nothing = ways.length ? "" : `<text x="20" y="50" fill="${colour.muted}">Nothing yet.</text>`;
  const head = `<text x="20" y="28" font-weight="600">${escapeText(title)}</text>${nothing}`;
  const desc = ways
    .map(({ name, sees }) => `${name}: ${viewers.map((who, i) => `${who} ${said(sees[i])}`).join("; ")}.`)
    .join(" ");
  return picture({ title, desc: desc || "Nothing yet.", width, height, body: head + heads.join("") + rows.join("") });
}

const columnAt = (i: number): number => GRID.left + i * (GRID.column + GRID.gap);

function cell({ text, reads }: Sight, x: number, y: number): string {
  const { text: ink, tint } = tone[reads ? "warn" : "ok"];
  const shown = lines(visible(text), GRID.column - 24, 3, font.small);
  const texts = shown.map(
    (one, i) => `<text x="${x + 12}" y="${y + 46 + i * 17}" font-size="${font.small}">${isolateSvg(one)}</text>`,
  );
  return (
    `<g><rect x="${x}" y="${y}" width="${GRID.column}" height="${GRID.row}" rx="8" fill="${tint}" stroke="${ink}" stroke-width="1.6"${reads ? "" : ' stroke-dasharray="5 4"'}/>` +
    `${eye(x + 24, y + 20, reads, ink)}<text x="${x + 44}" y="${y + 24.5}" fill="${ink}" font-weight="600">${reads ? "reads" : "can't read"}</text>` +
    `${texts.join("")}</g>`
  );
}

/** An eye, open or struck through. */
function eye(x: number, y: number, open: boolean, hue: string): string {
  const shape = `<path d="M${x - 11} ${y}q11-12 22 0q-11 12-22 0z" fill="${colour.card}" stroke="${hue}" stroke-width="1.8"/>`;
  return open
    ? `${shape}<circle cx="${x}" cy="${y}" r="3.6" fill="${hue}"/>`
    : `${shape}<path d="M${x - 9} ${y + 9}l18-18" stroke="${hue}" stroke-width="2.2"/>`;
}
