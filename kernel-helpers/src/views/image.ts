import { escapeText } from "./escape";

/**
 * A picture as an image that speaks: its title as alternative text, and behind it, for ears only, all that it says.
 *
 * JupyterLab shows `image/svg+xml` as an image without alternative text, and not at all before a notebook is trusted.
 * In HTML an image has both. It is an image there too, no inline SVG: the sanitiser for notebooks that nobody trusts
 * takes SVG apart into loose words, and leaves this as it is, style and all.
 */
export function spokenImage(svg: string, text: string): string {
  const title = /<title>([^<]*)<\/title>/.exec(svg)?.[1] ?? "picture";
  return (
    `<div style="position:relative;overflow-x:auto"><img alt="${title}" src="data:image/svg+xml;base64,${base64(svg)}" ` +
    `style="display:block;${widthOf(svg)};height:auto">` +
    `<pre style="${UNSEEN}">${text.split("\n").map(escapeText).join("\n")}</pre></div>`
  );
}

/**
 * At its own size where there is room. It gives way a little, which spares most windows a scroll bar for a strip of
 * a few pixels; shrunk further its text could not be read, and the window scrolls.
 */
function widthOf(svg: string): string {
  const width = Number(/^[^>]*\bwidth="([\d.]+)"/.exec(svg)?.[1]);
  if (!width) return "max-width:none";
  return `width:${width}px;min-width:${Math.round(width * LEAST)}px;max-width:100%`;
}

const LEAST = 0.85;

/** One pixel that nobody sees and every screen reader reads. */
const UNSEEN = "position:absolute;top:0;left:0;width:1px;height:1px;margin:0;overflow:hidden;clip:rect(0,0,0,0)";

function base64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let out = "";
  for (let at = 0; at < bytes.length; at += 8_190) out += String.fromCharCode(...bytes.subarray(at, at + 8_190));
  return btoa(out);
}
