import { Parser } from "htmlparser2";
import { escapeHtml } from "./escape";
import { safeStyle, token } from "./style";

/** Shapes, text and grouping. No style element, no script, no foreignObject, no link, no use, no animation, no image. */
const ELEMENTS = new Set(
  (
    "svg g path rect circle ellipse line polyline polygon text tspan title desc defs clipPath linearGradient " +
    "radialGradient stop marker"
  ).split(" "),
);

/** Words only: browsers parse what stands in these as HTML again. */
const WORDS = new Set(["title", "desc"]);

const ATTRIBUTES = new Set(
  (
    "xmlns width height viewBox preserveAspectRatio role aria-label aria-hidden x y x1 y1 x2 y2 cx cy r rx ry d points " +
    "dx dy rotate transform fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-dasharray " +
    "stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit opacity font-family font-size font-weight " +
    "font-style text-anchor dominant-baseline alignment-baseline letter-spacing textLength lengthAdjust offset " +
    "stop-color stop-opacity gradientUnits gradientTransform spreadMethod xml:space visibility display"
  ).split(" "),
);

const UNSAFE = /url\s*\(|expression|javascript|&|[<>\\]/i;

/**
 * An SVG document without anything that acts or loads: read as XML and written anew, so that only what is listed above
 * can come out. Undefined when it is no SVG. `themed` is for views that we drew: their colours become the page's own.
 */
export function sanitiseSvg(svg: string, options: { themed?: boolean } = {}): string | undefined {
  const writer = new Writer(options.themed === true);
  const parser = new Parser(
    {
      onopentag: (name, attributes) => writer.open(name, attributes),
      ontext: (text) => writer.text(text),
      onclosetag: (name) => writer.close(name),
    },
    { xmlMode: true, decodeEntities: true },
  );
  parser.end(svg);
  return writer.result();
}

const DEEPEST = 60;

class Writer {
  readonly #themed: boolean;
  #html = "";
  #open: string[] = [];
  /** How many elements deep we are in one that is left out. */
  #skipped = 0;
  #done = false;

  constructor(themed: boolean) {
    this.#themed = themed;
  }

  open(name: string, attributes: Record<string, string>): void {
    const inside = this.#open.at(-1);
    const first = inside === undefined;
    const fits = first ? name === "svg" && !this.#done : name !== "svg" && ELEMENTS.has(name) && !WORDS.has(inside);
    if (this.#skipped || !fits || this.#open.length >= DEEPEST) {
      this.#skipped++;
      return;
    }
    this.#html += `<${name}${this.#attributes(name, attributes)}>`;
    this.#open.push(name);
  }

  text(text: string): void {
    const inside = this.#open.at(-1);
    if (!this.#skipped && inside && (WORDS.has(inside) || inside === "text" || inside === "tspan")) {
      this.#html += escapeHtml(text);
    }
  }

  close(_name: string): void {
    if (this.#skipped) {
      this.#skipped--;
      return;
    }
    const name = this.#open.pop();
    if (name === undefined) return;
    this.#html += `</${name}>`;
    if (!this.#open.length) this.#done = true;
  }

  result(): string | undefined {
    return this.#done && !this.#open.length ? this.#html : undefined;
  }

  #attributes(element: string, attributes: Record<string, string>): string {
    let html = "";
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "style") {
        const style = safeStyle(value, this.#themed);
        if (style) html += ` style="${escapeHtml(style)}"`;
        continue;
      }
      // Which packet a row of a sequence shows: the page's script steps through them.
      if (name === "data-packet" && this.#themed && /^\d{1,6}$/.test(value)) html += ` data-packet="${value}"`;
      if (!ATTRIBUTES.has(name) || (name !== "aria-label" && UNSAFE.test(value))) continue;
      if (name === "xmlns" && (element !== "svg" || value !== NAMESPACE)) continue;
      html += ` ${name}="${escapeHtml(this.#themed ? token(value) : value)}"`;
    }
    return element === "svg" && !("xmlns" in attributes) ? ` xmlns="${NAMESPACE}"${html}` : html;
  }
}

const NAMESPACE = "http://www.w3.org/2000/svg";

/** What the picture's own title and description say. */
export function svgWords(svg: string): string {
  const words = ["title", "desc"].map((name) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(svg)?.[1] ?? "");
  return words.filter(Boolean).join(". ");
}
