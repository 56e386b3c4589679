import { escapeHtml, tag } from "../escape";
import type { PageParts } from "../frame";
import { COURSE, type SiteMap } from "../site-map";
import { FEED } from "./feed";

/** What readers who come back want to know, newest first. */
export function changesPage(map: SiteMap): PageParts {
  const rows = map.changes.map(({ date, what, lab }) => {
    const page = map.labs.find((one) => one.name === lab)?.page;
    return `<dt><time datetime="${escapeHtml(date)}">${escapeHtml(date)}</time></dt><dd>${escapeHtml(what)}${page ? ` ${tag("a", { href: page }, "Read it")}` : ""}</dd>`;
  });
  return {
    kind: "index",
    title: `Changes · ${COURSE}`,
    description: "What has changed in the MQTT labs, newest first.",
    file: "changes.html",
    feed: rows.length ? FEED : undefined,
    main: `<h1>What has changed</h1>
${rows.length ? `<dl class="changes">${rows.join("\n")}</dl>\n<p>${tag("a", { href: FEED }, "The same as a feed (Atom)")}</p>` : "<p>Nothing yet.</p>"}`,
  };
}
