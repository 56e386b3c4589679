import { escapeHtml, tag } from "../escape";
import type { PageParts } from "../frame";
import { boxed } from "../picture";
import { COURSE, isStatement, type LabEntry, labByNumber, plural, type SiteMap } from "../site-map";
import type { PlannedLab } from "../sources";
import { FEED } from "./feed";

/** The front page: what this is and one real picture on one screen, then the map of the course. */
export function frontPage(map: SiteMap): PageParts {
  const first = map.labs[0] as LabEntry;
  return {
    kind: "front",
    title: `${COURSE}: brokers, packets and proofs`,
    description:
      "MQTT taught by running brokers: every claim is shown by a cell, and every output comes from a real run.",
    file: "index.html",
    feed: map.changes.length ? FEED : undefined,
    main: `<div class="hero"><div><h1>MQTT, shown and not told</h1>
<p class="lead">Notebooks for engineers who run MQTT. They start real Mosquitto brokers, publish and subscribe with the client you use at work, and show the packets that went over the wire.</p>
<p>Every claim is followed by the cell that shows it; every output on these pages comes from a run. Reading is enough to follow. Running it, you are judged by what a broker did.</p>
<p class="go">${tag("a", { href: first.page }, first.listed ? `Start with lab ${first.listed.id}` : "Start reading")} <a class="second" href="run.html">Run it</a></p></div>
${figure(map)}</div>
<h2 id="labs">The labs</h2>
<p class="facts">${counts(map).join(" · ")}</p>
<ol class="map">
${rows(map).join("\n")}
</ol>`,
  };
}

function figure(map: SiteMap): string {
  const shown = [...map.labs].sort((a, b) => (b.content.picture?.worth ?? -99) - (a.content.picture?.worth ?? -99))[0];
  if (!shown?.content.picture) return "";
  const from = tag("a", { href: shown.page }, escapeHtml(shown.content.title));
  return `<figure>${boxed(shown.content.picture.svg)}<figcaption>Packets of a run, as ${from} shows them.</figcaption></figure>`;
}

function counts(map: SiteMap): string[] {
  const proofs = new Set(map.labs.flatMap((lab) => lab.content.proofs.map((proof) => proof.id)));
  const topics = Object.keys(map.topics).length;
  const shown = [...proofs].filter((id) => !isStatement(id)).length;
  const statements = [...proofs].filter(isStatement).length;
  const all = map.labs.length + map.toCome.length;
  return [
    map.toCome.length ? `${map.labs.length} of ${plural(all, "lab")} written` : plural(all, "lab"),
    shown ? `<a href="topics.html">${topics > shown ? `${shown} of ${topics}` : shown} topics shown</a>` : "",
    statements
      ? `<a href="statements.html">${plural(statements, "statement")} of the specification put to a broker</a>`
      : "",
  ].filter(Boolean);
}

/** Written or to come, in the order of the course; notebooks that the course does not list stand first. */
function rows(map: SiteMap): string[] {
  const written = map.labs.map((lab) => ({
    at: lab.listed?.id ?? Number(/^\d+/.exec(lab.name)?.[0] ?? 0),
    html: row(map, lab),
  }));
  const planned = map.toCome.map((lab) => ({ at: lab.id, html: rowToCome(map, lab) }));
  return [...written, ...planned].sort((a, b) => a.at - b.at).map(({ html }) => html);
}

function row(map: SiteMap, { name, page, content, listed }: LabEntry): string {
  const id = /^(\d+)-/.exec(name)?.[1] ?? "";
  const meta = [listed?.minutes ? `${listed.minutes} min` : "", content.points ? plural(content.points, "point") : ""];
  const title = tag("a", { href: page }, escapeHtml(content.title));
  return `<li><span class="id">${id}</span><div>${title}<p>${escapeHtml(content.lead)}</p>${after(map, content.after)}</div><span class="meta">${meta.filter(Boolean).join(" · ")}</span></li>`;
}

function rowToCome(map: SiteMap, lab: PlannedLab): string {
  const id = /^(\d+)-/.exec(lab.slug)?.[1] ?? "";
  const minutes = lab.minutes ? `${lab.minutes} min · ` : "";
  return `<li class="to-come"><span class="id">${id}</span><div>${escapeHtml(lab.title)}${after(map, lab.after)}</div><span class="meta">${minutes}to come</span></li>`;
}

/** Of which labs a lab makes use. */
function after(map: SiteMap, needs: readonly number[]): string {
  const links = needs.flatMap((id) => {
    const lab = labByNumber(map, id);
    if (!lab) return [];
    return lab.page ? tag("a", { href: lab.page, title: lab.title }, `lab ${id}`) : `lab ${id}`;
  });
  return links.length ? `<p class="after">after ${links.join(" and ")}</p>` : "";
}
