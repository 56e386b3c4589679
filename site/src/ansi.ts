import { escapeHtml } from "./escape";

/** Terminal text as HTML: colours and weights as classes, every other escape sequence left out. */
export function ansiHtml(text: string): string {
  const plain = overwritten(text.replace(/\r\n/g, "\n"));
  if (!plain.includes("\u001b") && !plain.includes("\u009b")) return escapeHtml(plain);
  let style: Style = {};
  let html = "";
  let from = 0;
  for (const found of plain.matchAll(SEQUENCE)) {
    html += span(plain.slice(from, found.index), style);
    from = found.index + found[0].length;
    if (found[1] !== undefined) style = next(style, found[1]);
  }
  return html + span(plain.slice(from), style);
}

// Colours and weights (group 1); then every other control sequence, strings to a terminal (links, titles), short ones.
const SEQUENCE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is for
  /(?:\u001b\[|\u009b)([\d;:]*)m|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[ -/]*[0-~]?/g;

interface Style {
  readonly ink?: number;
  readonly ground?: number;
  readonly flags?: string;
}

const FLAGS: Record<number, string> = { 1: "b", 2: "d", 3: "i", 4: "u", 9: "s" };
const ENDS: Record<number, string> = { 22: "bd", 23: "i", 24: "u", 29: "s" };

function next(style: Style, codes: string): Style {
  let { ink, ground, flags = "" } = style;
  const list = codes.split(/[;:]/).map((code) => Number(code || 0));
  for (let i = 0; i < list.length; i++) {
    const code = list[i] as number;
    if (code === 0) [ink, ground, flags] = [undefined, undefined, ""];
    else if (FLAGS[code]) flags += flags.includes(FLAGS[code]) ? "" : FLAGS[code];
    else if (ENDS[code]) flags = [...flags].filter((flag) => !ENDS[code]?.includes(flag)).join("");
    else if (code === 7) [ink, ground] = [ground ?? 0, ink ?? 7];
    else if (code >= 30 && code <= 37) ink = code - 30;
    else if (code >= 90 && code <= 97) ink = code - 82;
    else if (code === 39) ink = undefined;
    else if (code >= 40 && code <= 47) ground = code - 40;
    else if (code >= 100 && code <= 107) ground = code - 92;
    else if (code === 49) ground = undefined;
    else if (code === 38 || code === 48) {
      const [colour, used] = extended(list.slice(i + 1));
      i += used;
      if (code === 38) ink = colour ?? ink;
      else ground = colour ?? ground;
    }
  }
  return { ink, ground, flags };
}

/** A colour of 256, or of all, as the nearest of the sixteen that both themes can show legibly. */
function extended([mode, a = 0, b = 0, c = 0]: readonly number[]): [number | undefined, number] {
  if (mode === 2) return [nearest(a, b, c), 4];
  if (mode !== 5) return [undefined, 1];
  if (a < 16) return [a, 2];
  if (a >= 232) return [nearest(...([0, 0, 0].fill(8 + (a - 232) * 10) as [number, number, number])), 2];
  const level = (n: number): number => (n ? 55 + n * 40 : 0);
  return [nearest(level(Math.floor((a - 16) / 36)), level(Math.floor((a - 16) / 6) % 6), level((a - 16) % 6)), 2];
}

function nearest(red: number, green: number, blue: number): number {
  const strongest = Math.max(red, green, blue);
  const on = (part: number): number => (part > strongest * 0.6 && part > 60 ? 1 : 0);
  const base = on(red) + 2 * on(green) + 4 * on(blue);
  return strongest > 200 && base !== 7 ? base + 8 : base;
}

function span(text: string, { ink, ground, flags }: Style): string {
  if (!text) return "";
  const names = [
    ink === undefined ? "" : `a${ink}`,
    ground === undefined ? "" : `g${ground}`,
    ...[...(flags ?? "")].map((flag) => `a-${flag}`),
  ].filter(Boolean);
  return names.length ? `<span class="${names.join(" ")}">${escapeHtml(text)}</span>` : escapeHtml(text);
}

/** A carriage return goes back to the start of its line, as progress bars use it; a backspace takes one character back. */
function overwritten(text: string): string {
  if (!/[\r\b]/.test(text)) return text;
  return text
    .split("\n")
    .map((line) => {
      const last = line.replace(/\r+$/, "");
      return rubbedOut(last.slice(last.lastIndexOf("\r") + 1));
    })
    .join("\n");
}

function rubbedOut(line: string): string {
  if (!line.includes("\b")) return line;
  const kept: string[] = [];
  for (const one of line) {
    if (one === "\b") kept.pop();
    else kept.push(one);
  }
  return kept.join("");
}

/** Text without its terminal sequences, for names and alternatives. */
export const withoutAnsi = (text: string): string => text.replace(SEQUENCE, "");
