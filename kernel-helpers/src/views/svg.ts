import { escapeText } from "./escape";
import { graphemes } from "./text";
import { colour, font } from "./theme";

/** Pieces of SVG: no ids, no style element, no script, so that two pictures on one page never clash. */

/** A whole picture on its opaque card. Title and description are what a screen reader says. */
export function picture(of: { title: string; desc: string; width: number; height: number; body: string }): string {
  const { width, height } = of;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `style="max-width:100%;height:auto" font-family="${font.sans}" font-size="${font.size}" fill="${colour.ink}">` +
    `<title>${escapeText(of.title)}</title><desc>${escapeText(of.desc)}</desc>` +
    `<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="6" fill="${colour.card}" stroke="${colour.edge}"/>` +
    `${of.body}</svg>`
  );
}

/** The longest estimate for a text's width in pixels: of common system fonts the widest (DejaVu, Verdana) decides. */
export function measure(text: string, options: { size?: number; bold?: boolean; mono?: boolean } = {}): number {
  const size = options.size ?? font.size;
  let ems = 0;
  for (const one of graphemes(text)) ems += options.mono ? monoEm(one) : sansEm(one);
  return ems * size * (options.bold && !options.mono ? 1.1 : 1);
}

function sansEm(one: string): number {
  const code = one.codePointAt(0) as number;
  if (code > 0x2fff) return 1.3;
  if (code > 0x7f) return code < 0x250 ? 0.64 : 0.8;
  if (/[iljI|.,:;'!]/.test(one)) return 0.34;
  if (/[ftr()[\]{}/ "-]/.test(one)) return 0.41;
  if (/[mwMW%@]/.test(one)) return 0.98;
  return /[A-Z0-9+=<>~_&#]/.test(one) ? 0.7 : 0.62;
}

const monoEm = (one: string): number => ((one.codePointAt(0) as number) > 0x2e7f ? 1.25 : 0.61);

/** Cuts to so many pixels, with an ellipsis. */
export function fit(
  text: string,
  width: number,
  options: { size?: number; bold?: boolean; mono?: boolean } = {},
): string {
  if (measure(text, options) <= width) return text;
  const room = width - measure("…", options);
  let kept = "";
  let used = 0;
  for (const one of graphemes(text)) {
    used += measure(one, options);
    if (used > room) break;
    kept += one;
  }
  return `${kept}…`;
}

/** Breaks a text into lines of so many pixels, at spaces where there are any. */
export function lines(text: string, width: number, most: number, size: number = font.size): string[] {
  const out: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = line ? `${line} ${word}` : word;
    if (measure(longer, { size }) <= width) {
      line = longer;
      continue;
    }
    if (line) out.push(line);
    line = word;
    while (measure(line, { size }) > width && out.length < most) {
      const head = fit(line, width, { size }).slice(0, -1);
      if (!head) break;
      out.push(head);
      line = line.slice(head.length);
    }
  }
  if (line) out.push(line);
  if (out.length <= most) return out.length ? out : [""];
  return [...out.slice(0, most - 1), fit(out.slice(most - 1).join(" "), width, { size })];
}

/** A solid arrowhead whose point is at (x, y). */
export const arrowhead = (x: number, y: number, right: boolean): string =>
  `<path d="M${x} ${y}l${right ? -9 : 9}-4.5v9z" stroke="none"/>`;

export const cross = (x: number, y: number, r = 6): string =>
  `<path d="M${n(x - r)} ${n(y - r)}l${2 * r} ${2 * r}m0-${2 * r}l-${2 * r} ${2 * r}" stroke="${colour.bad}" stroke-width="2.5" stroke-dasharray="none" fill="none"/>`;

/** Coordinates to a tenth of a pixel: more is only bytes. */
export const n = (value: number): string => String(Math.round(value * 10) / 10);
