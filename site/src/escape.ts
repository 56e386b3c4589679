const ENTITY: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

// Controls that HTML cannot carry or that reorder what stands beside them; tab and line feed are text.
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/gu;

/** ASCII without any of the marks: most of what comes, in small pieces. */
const PLAIN = /^[\t\n !#-%(-;=?-~]*$/;

/** Text for HTML and for an attribute's quotes; what would be unseen or reorder its neighbours is made visible. */
export function escapeHtml(text: string): string {
  if (PLAIN.test(text)) return text;
  return seen(text).replace(/[&<>"']/g, (mark) => ENTITY[mark] as string);
}

/** Control characters as their symbols (␀, ␛), others by number. */
export const seen = (text: string): string =>
  text.replace(UNSEEN, (found) => {
    const code = found.codePointAt(0) as number;
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    return code === 0x7f ? "␡" : `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });

/** `<tag a="1">inside</tag>`: attributes that are undefined or false are left out, true stands alone. */
export function tag(
  name: string,
  attributes: Readonly<Record<string, string | number | boolean | undefined>>,
  inside?: string,
): string {
  const list = Object.entries(attributes)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([key, value]) => (value === true ? ` ${key}` : ` ${key}="${escapeHtml(String(value))}"`));
  const open = `<${name}${list.join("")}>`;
  return inside === undefined ? open : `${open}${inside}</${name}>`;
}
