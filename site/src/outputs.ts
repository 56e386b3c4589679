import { ansiHtml, withoutAnsi } from "./ansi";
import { escapeHtml, tag } from "./escape";
import { highlight } from "./highlight";
import { keptView } from "./kept-view";
import { limits } from "./limits";
import { renderSnippet, type Surroundings } from "./markdown";
import { multiline, type Output } from "./notebook";
import { legible } from "./picture";
import { sanitiseHtml, showsSomething } from "./sanitise-html";
import { sanitiseSvg, svgWords } from "./sanitise-svg";
import { scrollBox } from "./scroll";
import { knowsThemes } from "./style";
import { svgSize } from "./svg-size";
import { drawKept, onPage } from "./views";

/** What an output is shown in. */
export interface OutputPlace {
  /** "Output of cell 7". */
  readonly label: string;
  readonly around: Surroundings;
}

const VIEW = "application/vnd.mqtt-notebooks.view+json";

/** An output as HTML that is safe and calm; "" when there is nothing to show. */
export function outputHtml(output: Output, place: OutputPlace): string {
  switch (output.type) {
    case "stream":
      return textBox(output.text, place, output.name === "stderr" ? "text stderr" : "text");
    case "error":
      return textBox(output.traceback || `${output.name}: ${output.message}`, place, "text error");
    case "data":
      return bundleHtml(output.bundle, place);
  }
}

function bundleHtml(bundle: Readonly<Record<string, unknown>>, place: OutputPlace): string {
  for (const [mime, show] of FORMS) {
    if (!Object.hasOwn(bundle, mime)) continue;
    const html = show(bundle[mime], place, bundle);
    if (html !== undefined) return html;
  }
  const kinds = Object.keys(bundle).slice(0, 5).join(", ");
  if (!kinds) return "";
  place.around.warn(`an output (${kinds.slice(0, 200)}) has no form that a page can show`);
  return `<p class="missing">An output that a page cannot show: ${escapeHtml(kinds.slice(0, 200))}</p>`;
}

type Show = (data: unknown, place: OutputPlace, bundle: Readonly<Record<string, unknown>>) => string | undefined;

/** The best form first; one that cannot be shown (undefined) leaves it to the next. */
const FORMS: readonly (readonly [string, Show])[] = [
  [VIEW, viewHtml],
  ["text/html", foreignHtml],
  ["image/svg+xml", foreignSvg],
  ...["image/png", "image/jpeg", "image/gif", "image/webp"].map((mime) => [mime, raster(mime)] as const),
  ["text/markdown", markdown],
  ["application/json", json],
  ["text/plain", (data, place) => withText(data, (text) => textBox(text, place, "text"))],
];

function withText(data: unknown, show: (text: string) => string | undefined): string | undefined {
  const text = multiline(data);
  return text === undefined ? undefined : show(text);
}

function viewHtml(data: unknown, place: OutputPlace, bundle: Readonly<Record<string, unknown>>): string | undefined {
  const kept = keptView(data);
  if (!kept) return undefined;
  const own = onPage(kept, place.label);
  if (own !== undefined) return own;
  const drawn = drawKept(kept) ?? asKept(bundle);
  if (!drawn) return undefined;
  const kind = /^[a-z][a-z-]{0,30}$/.test(kept.kind) ? kept.kind : "other";
  const label = `${place.label}: ${kind}`;
  // In colours of its own, which may know no dark theme, a picture stays on the ground that it was drawn for.
  const themed = knowsThemes(drawn.picture);
  const box = themed ? `view ${kind}` : `view foreign ${kind}`;
  if (drawn.as === "html") {
    const html = sanitiseHtml(drawn.picture, { themed });
    return showsSomething(html) ? scrollBox(label, html, box) : undefined;
  }
  const svg = sanitiseSvg(drawn.picture, { themed });
  return svg === undefined ? undefined : scrollBox(label, legible(svg), box);
}

/** The picture that the notebook kept beside the data: of a kind that is not known here, or of a recording kept in part. */
function asKept(bundle: Readonly<Record<string, unknown>>): { as: "html" | "svg"; picture: string } | undefined {
  for (const [mime, as] of [
    ["image/svg+xml", "svg"],
    ["text/html", "html"],
  ] as const) {
    const picture = multiline(bundle[mime]);
    if (picture !== undefined && picture.length <= limits.markup) return { as, picture };
  }
  return undefined;
}

function foreignHtml(data: unknown, place: OutputPlace): string | undefined {
  return withText(data, (text) => {
    if (text.length > limits.markup) return tooLarge("HTML", text.length, place);
    const html = sanitiseHtml(text);
    return showsSomething(html) ? scrollBox(place.label, html, "foreign") : undefined;
  });
}

/** As an image: nothing in it can act, and the page's own styles do not reach it. */
function foreignSvg(data: unknown, place: OutputPlace, bundle: Readonly<Record<string, unknown>>): string | undefined {
  return withText(data, (text) => {
    if (text.length > limits.markup) return tooLarge("SVG", text.length, place);
    const svg = sanitiseSvg(text);
    if (svg === undefined) return undefined;
    const size = svgSize(svg);
    const words = unescaped(svgWords(svg)) || multiline(bundle["text/plain"])?.slice(0, 1000) || place.label;
    const src = `data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`;
    return scrollBox(place.label, tag("img", { src, alt: withoutAnsi(words), ...bounded(size) }), "foreign");
  });
}

const bounded = (size: { width: number; height: number } | undefined): Record<string, number> =>
  size && size.width <= 4000 && size.height <= 8000
    ? { width: Math.round(size.width), height: Math.round(size.height) }
    : {};

const unescaped = (html: string): string =>
  html.replace(
    /&(lt|gt|quot|#39|amp);/g,
    (_, name: string) => ({ lt: "<", gt: ">", quot: '"', "#39": "'", amp: "&" })[name] ?? "",
  );

function tooLarge(what: string, length: number, place: OutputPlace): undefined {
  place.around.warn(`an output's ${what} of ${length} characters is too large for a page`);
  return undefined;
}

function raster(mime: string): Show {
  return (data, place, bundle) =>
    withText(data, (text) => {
      const base64 = text.replace(/\s+/g, "");
      if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
      if (base64.length > limits.image) return tooLarge("image", base64.length, place);
      const words = multiline(bundle["text/plain"])?.slice(0, 300);
      const alt = words && !/^<[\w. ]+(?: at 0x[0-9a-f]+)?>$/i.test(words) ? words : place.label;
      return scrollBox(
        place.label,
        tag("img", { src: `data:${mime};base64,${base64}`, alt: withoutAnsi(alt) }),
        "foreign",
      );
    });
}

function markdown(data: unknown, place: OutputPlace): string | undefined {
  return withText(data, (text) => `<div class="prose">${renderSnippet(text, place.around)}</div>`);
}

function json(data: unknown, place: OutputPlace): string | undefined {
  let text: string | undefined;
  try {
    text = JSON.stringify(data, null, 2);
  } catch {
    // Nested deeper than the stack: the next form.
  }
  return text === undefined ? undefined : box(cut(text), place, "text", (short) => highlight(short, "json"));
}

const textBox = (text: string, place: OutputPlace, kind: string): string => box(cut(text), place, kind, ansiHtml);

function box([text, left]: [string, number], place: OutputPlace, kind: string, show: (text: string) => string): string {
  if (!text.trim() && !left) return "";
  const note = left ? `<p class="missing">${left} more characters are not shown.</p>` : "";
  return scrollBox(place.label, `<pre>${show(text.replace(/\n$/, ""))}</pre>`, kind) + note;
}

function cut(text: string): [string, number] {
  return text.length <= limits.text ? [text, 0] : [text.slice(0, limits.text), text.length - limits.text];
}
