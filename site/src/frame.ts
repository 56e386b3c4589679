import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { escapeHtml, tag } from "./escape";

/** What all pages share: one style, one script, and the policy that lets nothing else in. */
export class Frame {
  readonly #assets: string;
  readonly #scripts = new Map<string, string>();
  readonly #hashes = new Map<string, string>();
  readonly #style: string;
  readonly #script: string;

  constructor(assets = join(__dirname, "..", "assets")) {
    this.#assets = assets;
    this.#style = compactCss(readFileSync(join(assets, "site.css"), "utf8"));
    this.#script = this.#read("site.js");
  }

  #read(name: string): string {
    const script = this.#scripts.get(name) ?? compactScript(readFileSync(join(this.#assets, name), "utf8"));
    this.#scripts.set(name, script);
    return script;
  }

  #hash(text: string): string {
    const known = this.#hashes.get(text) ?? `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
    this.#hashes.set(text, known);
    return known;
  }

  /** The views' styles stand in style attributes: sanitised when they were made, and able to load nothing. */
  #policy(scripts: readonly string[]): string {
    return [
      "default-src 'none'",
      `style-src-elem ${this.#hash(this.#style)}`,
      "style-src-attr 'unsafe-inline'",
      `script-src ${scripts.map((script) => this.#hash(script)).join(" ")}`,
      "img-src data:",
      // Search reads its files, and those who rate pages their robots.txt; nothing is asked of another host.
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join("; ");
  }

  /** A whole page. */
  page(of: PageParts): string {
    const scripts = [this.#script, ...(of.script ? [this.#read(of.script)] : [])];
    return [
      "<!doctype html>",
      '<html lang="en">',
      "<head>",
      '<meta charset="utf-8">',
      `<meta http-equiv="Content-Security-Policy" content="${this.#policy(scripts)}">`,
      '<meta name="viewport" content="width=device-width, initial-scale=1">',
      '<meta name="referrer" content="no-referrer">',
      '<meta name="color-scheme" content="light dark">',
      `<title>${escapeHtml(of.title)}</title>`,
      of.description ? tag("meta", { name: "description", content: of.description }) : "",
      `<link rel="icon" href="${ICON}">`,
      of.feed ? tag("link", { rel: "alternate", type: "application/atom+xml", href: of.feed, title: "Changes" }) : "",
      `<style>${this.#style}</style>`,
      // Before the body is painted: a theme chosen by hand must not flash.
      ...scripts.map((script) => `<script>${script}</script>`),
      "</head>",
      `<body class="${of.kind}">`,
      '<a class="skip" href="#content">Skip to the text</a>',
      header(of),
      of.aside ?? "",
      `<main id="content" tabindex="-1">`,
      of.main,
      "</main>",
      `<footer>${of.footer ?? ""}<p class="end"><a href="changes.html">What has changed</a></p></footer>`,
      "</body>",
      "</html>",
      "",
    ]
      .filter((line, i, all) => line !== "" || i === all.length - 1)
      .join("\n");
  }
}

export interface PageParts {
  readonly kind: "lab" | "front" | "index" | "wide" | "search";
  readonly title: string;
  readonly description?: string;
  /** The file name, so that the header can tell where we are. */
  readonly file: string;
  /** The address of a feed that says when to come back. */
  readonly feed?: string | undefined;
  readonly aside?: string;
  readonly main: string;
  /** A script of its own, by its file's name among the assets. */
  readonly script?: string;
  readonly footer?: string;
}

const PLACES = [
  ["index.html", "Labs"],
  ["topics.html", "Topics"],
  ["statements.html", "Statements"],
  ["glossary.html", "Glossary"],
  ["run.html", "Run it"],
  ["search.html", "Search"],
] as const;

function header(of: PageParts): string {
  const links = PLACES.map(([file, name]) =>
    tag("a", { href: file, "aria-current": of.file === file ? "page" : undefined }, name),
  );
  const themes = (["auto", "light", "dark"] as const).map(
    (theme) =>
      tag("input", { type: "radio", name: "theme", id: `theme-${theme}`, value: theme, checked: theme === "auto" }) +
      tag("label", { for: `theme-${theme}` }, theme[0]?.toUpperCase() + theme.slice(1)),
  );
  return (
    `<header id="top"><nav aria-label="Course"><a class="home" href="index.html">MQTT in notebooks</a>${links.join("")}</nav>` +
    `<fieldset class="themes"><legend>Theme</legend>${themes.join("")}</fieldset></header>`
  );
}

/** Without comment lines and indentation: small enough, and still readable in the page. */
const compactScript = (text: string): string => text.replace(/^\s*\/\/.*\n|^\s+|\n$/gm, "");

const compactCss = (css: string): string =>
  css
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/\s*\n\s*/g, "\n")
    .replace(/ *([{},;]) *\n?/g, "$1")
    .replace(/:\s+(?=[^{}]*[;}])/g, ":")
    .trim();

/** Three arrows in and out of a broker, in one colour that both themes show. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='3' fill='%2300639c'/%3E%3Cpath d='M3 5h7m0 0L8 3m2 2L8 7m5 4H6m0 0l2-2m-2 2l2 2' stroke='%23fff' stroke-width='1.6' fill='none'/%3E%3C/svg%3E";
