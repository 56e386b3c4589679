/** Makes any text safe to place in HTML, XML and an attribute's quotes. What XML cannot carry is made visible first. */
export function escapeText(text: string): string {
  return visible(text).replace(/[&<>"']/g, (mark) => ENTITY[mark] as string);
}

const ENTITY: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/**
 * Text as a reader can trust it: control characters as their symbols (␀, ␊), and what reorders or hides text
 * (bidirectional controls, zero-width characters, lone surrogates) by its number. Right-to-left text itself stays.
 */
export function visible(text: string): string {
  return text.replace(UNSEEN, (found) => {
    const code = found.codePointAt(0) as number;
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    if (code === 0x7f) return "␡";
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}

// U+200D joins emoji and U+FE0F selects their shape, so both stay.
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|[\u{e0000}-\u{e007f}]/gu;

/** Text of unknown direction beside text of ours: HTML isolates it, so that it cannot reorder its neighbours. */
export const isolate = (text: string): string => `<bdi>${escapeText(text)}</bdi>`;

/** The same for SVG, which has no bdi: Unicode's own isolates, only where there is something to isolate. */
export function isolateSvg(text: string): string {
  const safe = escapeText(text);
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u.test(text)
    ? `\u2068${safe}\u2069`
    : safe;
}
