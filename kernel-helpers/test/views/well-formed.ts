const FORBIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML forbids them
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** Complains about markup that is not well-formed XML (our HTML is, too, but for named spaces). Returns "" when all is well. */
export function malformed(markup: string): string {
  const text = markup.replaceAll("&nbsp;", " ");
  const bad = FORBIDDEN.exec(text);
  if (bad) return `a character that XML forbids at ${bad.index}`;
  const stack: string[] = [];
  let rest = 0;
  for (const tag of text.matchAll(/<[^>]*>/g)) {
    const between = text.slice(rest, tag.index);
    if (/[<>]|&(?!(amp|lt|gt|quot|#39|#\d+);)/.test(between)) return `stray text: ${between.slice(0, 60)}`;
    rest = tag.index + tag[0].length;
    const parts = /^<(\/?)([a-z]+)((?:\s+[a-zA-Z:-][a-zA-Z\d:-]*="[^"<]*")*)\s*(\/?)>$/.exec(tag[0]);
    if (!parts) return `not a tag: ${tag[0].slice(0, 80)}`;
    const [, close, name = "", attributes = "", empty] = parts;
    if (/&(?!(amp|lt|gt|quot|#39|#\d+);)/.test(attributes)) return `stray & in ${tag[0].slice(0, 80)}`;
    if (close) {
      const open = stack.pop();
      if (open !== name) return `</${name}> closes <${open}>`;
    } else if (!empty) stack.push(name);
  }
  if (/[<>]/.test(text.slice(rest))) return "stray mark at the end";
  return stack.length ? `never closed: ${stack.join(" ")}` : "";
}
