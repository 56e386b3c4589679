import MarkdownIt from "markdown-it";
import { type Addresses, fragmentOf } from "./addresses";
import { escapeHtml, seen } from "./escape";
import { limits } from "./limits";
import { scrollBox } from "./scroll";

type Tokens = ReturnType<InstanceType<typeof MarkdownIt>["parse"]>;

export interface Heading {
  readonly level: number;
  /** The words, without markup. */
  readonly text: string;
  readonly id: string;
}

/** What prose may refer to. */
export interface Surroundings {
  readonly addresses: Addresses;
  /** A notebook's file name without ending -> its page, when there is one. */
  page(name: string): string | undefined;
  /** An image that the cell brings along, as a data address. */
  attachment(name: string): string | undefined;
  warn(what: string): void;
}

/** Prose that has been read: its headings have their ids, so that links to them can be resolved when it is written. */
export interface Prose {
  readonly headings: readonly Heading[];
  /** The words of its first paragraph. */
  readonly lead: string;
  /** The words of each of its blocks, without markup. */
  readonly blocks: readonly string[];
  html(): string;
}

/** What is handed to the rules beside the tokens. */
const aroundOf = (env: Record<string, unknown> | undefined): Surroundings => env?.around as Surroundings;

const md = new MarkdownIt({ html: false, linkify: false, typographer: false, breaks: false });
md.enable(["table", "strikethrough"]);

// Only these schemes, and addresses without one; data: only for the images below.
md.validateLink = (url) => {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(plain(url))?.[1]?.toLowerCase();
  return scheme === undefined || ["http", "https", "mailto", "attachment"].includes(scheme) || RASTER.test(plain(url));
};

const RASTER = /^data:image\/(?:png|jpeg|gif|webp);base64,/i;
// Browsers leave these out of an address before they look at its scheme.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is for
const plain = (url: string): string => url.replace(/[\u0000-\u0020\u007f-\u00a0]+/g, "");

/** Reads Markdown (CommonMark and tables; HTML in it is text). */
export function readProse(source: string, around: Surroundings): Prose {
  if (source.length > limits.markdown) {
    around.warn(`its text of ${source.length} characters is shown without markup`);
    return {
      headings: [],
      lead: "",
      blocks: [source.slice(0, limits.markdown)],
      html: () => `<pre class="plain">${escapeHtml(source.slice(0, limits.markdown))}</pre>`,
    };
  }
  const env = { around };
  const tokens = md.parse(seen(source.replace(/\r\n?/g, "\n")), env);
  const paragraph = tokens.findIndex((token) => token.type === "paragraph_open" && token.level === 0);
  return {
    headings: nameHeadings(tokens, around),
    lead: wordsOf(tokens[paragraph + 1]?.children ?? []),
    blocks: tokens.flatMap((token) => (token.type === "inline" ? wordsOf(token.children ?? []) : token.content) || []),
    html: () => md.renderer.render(tokens, md.options, env),
  };
}

function nameHeadings(tokens: Tokens, around: Surroundings): Heading[] {
  return tokens.flatMap((token, i) => {
    if (token.type !== "heading_open") return [];
    const text = wordsOf(tokens[i + 1]?.children ?? []);
    const heading = { level: Number(token.tag.slice(1)), text, id: around.addresses.heading(text) };
    token.attrSet("id", heading.id);
    return [heading];
  });
}

const wordsOf = (tokens: Tokens): string =>
  tokens
    .map((token) =>
      token.type === "text" || token.type === "code_inline" ? token.content : token.type.endsWith("break") ? " " : "",
    )
    .join("")
    .trim();

const rules = md.renderer.rules;

const attribute = (token: Tokens[number] | undefined, name: string): string => String(token?.attrGet(name) ?? "");

rules.heading_close = (tokens, i) => {
  const open = tokens
    .slice(0, i)
    .reverse()
    .find((token) => token.type === "heading_open");
  const id = attribute(open, "id");
  return `<a class="anchor" href="#${escapeHtml(encodeURIComponent(id))}" aria-label="Link to this section">#</a></${tokens[i]?.tag}>\n`;
};

rules.fence = (tokens, i) => {
  const token = tokens[i];
  const language = /^[\w+-]{1,20}/.exec(token?.info.trim() ?? "")?.[0]?.toLowerCase() ?? "";
  return codeBox((token?.content ?? "").replace(/\n$/, ""), language, language ? `Code, ${language}` : "Code");
};
rules.code_block = (tokens, i) => codeBox((tokens[i]?.content ?? "").replace(/\n$/, ""), "", "Code");

/** A block of code in a box of its own, which scrolls. */
export function codeBox(code: string, language: string, label: string): string {
  // Loaded where there is code to colour: its grammars are large.
  const { highlight } = require("./highlight") as typeof import("./highlight");
  return scrollBox(label, `<pre><code>${highlight(code.slice(0, limits.code), language)}</code></pre>`, "code");
}

rules.table_open = () => `<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>\n`;
rules.table_close = () => "</table></div>\n";
// A heading row without words (a card in two columns) is no heading.
rules.thead_open = (tokens, i) => (emptyHead(tokens, i) ? "<thead hidden>" : "<thead>");
rules.th_open = (tokens, i) => {
  const empty = !tokens[i + 1]?.content;
  const align = /^text-align:(left|right|center)$/.exec(attribute(tokens[i], "style"))?.[1];
  return `<${empty ? "td" : 'th scope="col"'}${align ? ` style="text-align:${align}"` : ""}>`;
};
rules.th_close = (tokens, i) => (tokens[i - 1]?.content ? "</th>" : "</td>");

function emptyHead(tokens: Tokens, i: number): boolean {
  const end = tokens.findIndex((token, at) => at > i && token.type === "thead_close");
  return tokens.slice(i, end).every((token) => token.type !== "inline" || !token.content);
}

rules.link_open = (tokens, i, _options, env) => {
  const href = attribute(tokens[i], "href");
  const title = attribute(tokens[i], "title");
  const to = resolve(href, aroundOf(env));
  if (to === undefined) aroundOf(env).warn(`the link to "${href.slice(0, 120)}" leads nowhere on the site`);
  const target = to === undefined ? "" : ` href="${escapeHtml(to)}"`;
  const outside = to !== undefined && /^https?:/i.test(to) ? ' rel="noopener noreferrer"' : "";
  return `<a${target}${outside}${title ? ` title="${escapeHtml(title)}"` : ""}>`;
};

/** Where a link of the notebook leads on the site. */
function resolve(href: string, around: Surroundings): string | undefined {
  if (/^(?:https?|mailto):/i.test(plain(href))) return href;
  if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(plain(href))) return undefined;
  const [path = "", fragment] = href.split("#", 2);
  if (!path) {
    const id = around.addresses.find(fragment ?? "");
    return id === undefined ? undefined : `#${encodeURIComponent(id)}`;
  }
  const name = /^(?:\.\/)?([\w.-]+)\.ipynb$/.exec(path)?.[1];
  const page = name === undefined ? undefined : around.page(name);
  return page && (fragment ? `${page}#${encodeURIComponent(fragmentOf(fragment))}` : page);
}

rules.image = (tokens, i, _options, env) => {
  const token = tokens[i];
  const alt = wordsOf(token?.children ?? []);
  const src = attribute(token, "src");
  const shown = src.startsWith("attachment:")
    ? aroundOf(env).attachment(src.slice(11))
    : RASTER.test(src)
      ? src
      : undefined;
  if (shown !== undefined) return `<img src="${escapeHtml(shown)}" alt="${escapeHtml(alt)}">`;
  aroundOf(env).warn(`the image "${src.slice(0, 120)}" is not in the notebook; its words are shown`);
  return `<span class="missing">[image: ${escapeHtml(alt || "without words")}]</span>`;
};

/** Short Markdown of ours (hints): without headings and links that would need a page around them. */
export function renderSnippet(source: string, around: Surroundings): string {
  return readProse(source, around).html();
}
