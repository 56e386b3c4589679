import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FileSystemConfigLoader, HtmlValidate } from "html-validate";
import { Parser } from "htmlparser2";

/** The standard's rules; what is a matter of taste is left to taste. */
const validator = new HtmlValidate(
  new FileSystemConfigLoader({
    root: true,
    extends: ["html-validate:standard"],
    rules: {
      // Styles of pictures stand in attributes, sanitised; long titles are a lab's own.
      "no-inline-style": "off",
      "long-title": "off",
      // The theme's style and script are in the page, under the policy's hashes.
      "require-sri": "off",
      "void-style": "off",
      "doctype-style": "off",
      // Whether a tabindex is useful depends on the box's width.
      "no-redundant-role": "off",
      "valid-id": ["error", { relaxed: true }],
    },
  }),
);

export async function htmlFaults(html: string): Promise<string[]> {
  const { results } = await validator.validateString(html);
  return results.flatMap((result) =>
    result.messages.map((one) => `${one.line}:${one.column} ${one.ruleId}: ${one.message}`),
  );
}

/** Links of a built site that lead nowhere: to a file or an id that is not there. */
export function deadLinks(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => name.replaceAll("\\", "/"));
  const pages = new Map(
    files
      .filter((name) => name.endsWith(".html"))
      .map((name) => [name, anatomy(readFileSync(join(folder, name), "utf8"))]),
  );
  return [...pages].flatMap(([from, { links }]) =>
    links
      .filter((href) => !/^(?:https?:|mailto:|data:)/.test(href))
      .filter((href) => {
        const [path = "", fragment] = href.split("#", 2);
        const file = path ? decodeURIComponent(path) : from;
        if (!files.includes(file)) return true;
        return fragment !== undefined && !pages.get(file)?.ids.has(decodeURIComponent(fragment));
      })
      .map((href) => `${from} -> ${href}`),
  );
}

function anatomy(html: string): { ids: Set<string>; links: string[] } {
  const ids = new Set<string>();
  const links: string[] = [];
  const parser = new Parser({
    onopentag(_name, { id, href, src }) {
      if (id !== undefined) ids.add(id);
      if (href !== undefined) links.push(href);
      if (src !== undefined) links.push(src);
    },
  });
  parser.end(html);
  return { ids, links };
}
