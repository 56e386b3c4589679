import { highlightTree, tagHighlighter, tags } from "@lezer/highlight";
import { parser as javascript } from "@lezer/javascript";
import { parser as json } from "@lezer/json";
import { escapeHtml } from "./escape";
import { limits } from "./limits";

const typescript = javascript.configure({ dialect: "ts" });
const tsx = javascript.configure({ dialect: "ts jsx" });

const PARSERS: Readonly<Record<string, typeof javascript>> = {
  ts: typescript,
  typescript,
  tsx,
  js: javascript,
  javascript,
  mjs: javascript,
  cjs: javascript,
  jsx: tsx,
  json,
};

/** Few classes: a page is calm when colour marks kinds that a reader looks for. */
const classes = tagHighlighter([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword, tags.controlKeyword], class: "k" },
  { tag: [tags.self, tags.null, tags.bool, tags.number, tags.atom], class: "m" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp, tags.character, tags.escape], class: "s" },
  { tag: [tags.comment, tags.lineComment, tags.blockComment, tags.docComment], class: "c" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], class: "f" },
  { tag: [tags.typeName, tags.className, tags.namespace], class: "t" },
  { tag: [tags.definition(tags.propertyName), tags.special(tags.propertyName)], class: "p" },
]);

/** Code as HTML, with colours where the language is known and the code is not too long for it. */
export function highlight(code: string, language: string): string {
  const parser = Object.hasOwn(PARSERS, language) ? PARSERS[language] : undefined;
  if (!parser || code.length > limits.highlight) return configuration.has(language) ? lines(code) : escapeHtml(code);
  let html = "";
  let at = 0;
  highlightTree(parser.parse(code), classes, (from, to, names) => {
    html += `${escapeHtml(code.slice(at, from))}<span class="${names}">${escapeHtml(code.slice(from, to))}</span>`;
    at = to;
  });
  return html + escapeHtml(code.slice(at));
}

const configuration = new Set(["conf", "mosquitto", "ini", "sh", "bash", "shell", "console"]);

/** Of configuration and shell lines only the comments are told apart. */
const lines = (code: string): string =>
  code
    .split("\n")
    .map((line) => (/^\s*#/.test(line) ? `<span class="c">${escapeHtml(line)}</span>` : escapeHtml(line)))
    .join("\n");
