import { colour, tints } from "kernel-helpers/dist/views/theme";

/**
 * Declarations that a picture needs and that can neither load anything nor leave the place where they stand: no
 * position, no float, no negative margin, no url(), no strings.
 */
const PROPERTIES = new Set(
  [
    "background background-color border border-top border-right border-bottom border-left border-collapse border-color",
    "border-radius border-spacing border-style border-width box-sizing caption-side color display font font-family",
    "font-size font-style font-weight gap height letter-spacing line-height list-style list-style-type margin",
    "margin-bottom margin-left margin-right margin-top max-height max-width min-height min-width opacity overflow",
    "overflow-wrap padding padding-bottom padding-left padding-right padding-top tab-size table-layout text-align",
    "text-decoration text-indent text-overflow text-transform vertical-align white-space width word-break",
    "column-gap row-gap flex flex-wrap flex-direction align-items justify-content grid-template-columns",
    "fill stroke stroke-width stroke-dasharray stroke-linecap stroke-linejoin fill-opacity stroke-opacity",
    "text-anchor dominant-baseline font-variant-numeric",
  ].flatMap((line) => line.split(" ")),
);

const VALUE = /^[a-z0-9#%.,()+\s/_-]{1,200}$/i;
// Whatever function a value calls must be one of these.
const FUNCTIONS = /^(?:rgba?|hsla?|calc|min|max|clamp|minmax|repeat)$/i;

/** Keeps of a style attribute what is allowed; undefined when nothing is. */
export function safeStyle(style: string, themed: boolean): string | undefined {
  const kept: string[] = [];
  for (const declaration of style.slice(0, 4_000).split(";")) {
    const colon = declaration.indexOf(":");
    if (colon < 0) continue;
    const name = declaration.slice(0, colon).trim().toLowerCase();
    const value = declaration.slice(colon + 1).trim();
    if (PROPERTIES.has(name) && safeValue(name, value)) kept.push(`${name}:${themed ? token(value) : value}`);
  }
  return kept.length ? kept.join(";") : undefined;
}

function safeValue(name: string, value: string): boolean {
  if (!VALUE.test(value)) return false;
  for (const call of value.matchAll(/([a-z-]*)\s*\(/gi)) if (!FUNCTIONS.test(call[1] as string)) return false;
  if (name.startsWith("margin") || name === "text-indent") return !/-\s*[\d.]/.test(value) && !/\(/.test(value);
  // Boxes scroll in the page's own frame, which the keyboard reaches.
  if (name === "overflow") return value === "hidden";
  if (name === "opacity") return Number(value) >= 0.3;
  return true;
}

const TOKENS = new Map<string, string>([
  ...Object.entries(colour).map(([name, hex]) => [hex.toLowerCase(), `var(--v-${name})`] as const),
  ...tints.map((hex, i) => [hex.toLowerCase(), `var(--v-tint${i})`] as const),
]);

/** The views' own colours become the page's, which knows light and dark. */
export const token = (value: string): string =>
  value.includes("#") ? value.replace(/#[0-9a-f]{6}\b/gi, (hex) => TOKENS.get(hex.toLowerCase()) ?? hex) : value;

/** Whether a picture is in the views' own colours only, so that it can follow the page's theme. */
export const knowsThemes = (picture: string): boolean =>
  [...picture.matchAll(/(?:fill|stroke|color|background|border)[\w-]*\s*[=:]\s*["']?([^"';>]*)/gi)].every(
    ([, value = ""]) =>
      [...value.matchAll(/#[0-9a-f]{3,8}\b|\b(?:rgba?|hsla?)\(|\b(?:black|white|gr[ae]y|red|green|blue)\b/gi)].every(
        ([one]) => TOKENS.has(one.toLowerCase()),
      ),
  );
