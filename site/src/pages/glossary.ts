import { escapeHtml, tag } from "../escape";
import type { PageParts } from "../frame";
import { COURSE, type SiteMap } from "../site-map";

/** Terms by the alphabet, each with the sentence that teaches it first. */
export function glossaryPage(map: SiteMap): PageParts {
  const first = new Map<string, string>();
  for (const lab of map.labs) {
    for (const { term, anchor, says } of lab.content.terms) {
      if (first.has(term.toLowerCase())) continue;
      const from = lab.listed ? `lab ${lab.listed.id}` : lab.content.title;
      const link = tag("a", { href: `${lab.page}#${encodeURIComponent(anchor)}` }, escapeHtml(from));
      first.set(
        term.toLowerCase(),
        `<dt>${escapeHtml(term)}</dt><dd>${says ? `${escapeHtml(says)} ` : ""}<span class="from">(${link})</span></dd>`,
      );
    }
  }
  const sorted = [...first].sort(([a], [b]) => a.localeCompare(b, "en"));
  return {
    kind: "index",
    title: `Glossary · ${COURSE}`,
    description: "Terms of MQTT, each with the sentence that teaches it first.",
    file: "glossary.html",
    main: `<h1>Glossary</h1>
<p class="lead">Each term with the sentence that teaches it first, and the way there.</p>
${sorted.length ? `<dl class="terms">${sorted.map(([, html]) => html).join("\n")}</dl>` : "<p>No lab on this site names its terms yet.</p>"}`,
  };
}
