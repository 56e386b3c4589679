import { createHash } from "node:crypto";
import { escapeHtml } from "../escape";
import { COURSE, type SiteMap } from "../site-map";
import type { Change } from "../sources";

export const FEED = "changes.xml";

/**
 * The list of changes as an Atom feed (RFC 4287), undefined while there are none: a feed needs a date. Its addresses are
 * relative, for the site does not know where it will stand; its ids are made from what an entry says.
 */
export function feed(map: SiteMap): string | undefined {
  const newest = map.changes[0];
  if (!newest) return undefined;
  const entries = map.changes.map((change) => {
    const page = map.labs.find((lab) => lab.name === change.lab)?.page ?? "changes.html";
    return `<entry><id>${id([change.date, change.what, change.lab ?? ""])}</id><title>${escapeHtml(change.what)}</title><updated>${instant(change)}</updated><link href="${escapeHtml(page)}"/></entry>`;
  });
  return `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<id>${id(["feed"])}</id>
<title>${escapeHtml(`${COURSE}: what has changed`)}</title>
<updated>${instant(newest)}</updated>
<author><name>${escapeHtml(COURSE)}</name></author>
<link rel="self" type="application/atom+xml" href="${FEED}"/>
<link rel="alternate" type="text/html" href="changes.html"/>
${entries.join("\n")}
</feed>
`;
}

/** A day is all that the list knows. */
const instant = ({ date }: Change): string => `${date}T00:00:00Z`;

/** The same words give the same id: a UUID of version 8 (RFC 9562), from their hash. */
function id(words: readonly string[]): string {
  const hex = createHash("sha256")
    .update(JSON.stringify([COURSE, ...words]))
    .digest("hex");
  const variant = ((Number.parseInt(hex[16] as string, 16) & 3) | 8).toString(16);
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
