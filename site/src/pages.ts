import { escapeHtml, tag } from "./escape";
import type { PageParts } from "./frame";
import type { Proof } from "./lab-page";
import type { Heading } from "./markdown";
import type { Run } from "./notebook";
import { boxed } from "./picture";
import { type LabEntry, type SiteMap, titleFromSlug } from "./site-map";

const COURSE = "MQTT in notebooks";

/** A lab's page in its frame. */
export function labPage(map: SiteMap, lab: LabEntry): PageParts {
  const { content } = lab;
  return {
    kind: "lab",
    title: `${content.title} · ${COURSE}`,
    description: content.lead,
    file: lab.page,
    aside: outline(content.outline),
    main: `<article>${withFacts(content.html, factsOf(lab))}</article>${actions(lab)}`,
    footer: around(map, lab),
  };
}

function outline(headings: readonly Heading[]): string {
  if (!headings.length) return "";
  const items = headings.map((heading) => {
    const link = tag("a", { href: `#${encodeURIComponent(heading.id)}` }, escapeHtml(heading.text));
    return `<li${heading.level > 2 ? ' class="sub"' : ""}>${link}</li>`;
  });
  return `<nav id="outline" aria-label="On this page"><details><summary>On this page</summary><ol>${items.join("")}</ol></details></nav>`;
}

/** Under the title: what the outputs come from. */
const withFacts = (html: string, facts: string): string =>
  facts ? html.replace("</h1>", () => `</h1>\n<p class="facts">${facts}</p>`) : html;

function factsOf({ content, listed }: LabEntry): string {
  const parts = [
    listed?.minutes ? `${listed.minutes} minutes` : "",
    content.exercises ? plural(content.exercises, "exercise") : "",
    content.points ? plural(content.points, "point") : "",
    ranOn(content.run),
  ];
  return parts.filter(Boolean).map(escapeHtml).join(" · ");
}

function ranOn(run: Run | undefined): string {
  if (!run) return "";
  const on = [run.mosquitto ? `Mosquitto ${run.mosquitto}` : "", run.engine ? `engine ${run.engine}` : ""]
    .filter(Boolean)
    .join(", ");
  const date = run.date && /^\d{4}-\d{2}-\d{2}/.exec(run.date)?.[0];
  return on || date ? `outputs from a run${on ? ` on ${on}` : ""}${date ? `, ${date}` : ""}` : "";
}

const plural = (n: number, one: string): string => `${n} ${one}${n === 1 ? "" : "s"}`;

function actions(lab: LabEntry): string {
  const download = tag(
    "a",
    { href: `notebooks/${lab.name}.ipynb`, download: `${lab.name}.ipynb` },
    "Download the notebook",
  );
  return (
    '<section class="actions" aria-label="Run this lab"><p>Run it yourself: <code>npm start</code> in the course’s folder opens ' +
    `JupyterLab on your own copy of this lab; <a href="run.html">what that needs</a>. ${download}.</p></section>`
  );
}

function around(map: SiteMap, lab: LabEntry): string {
  const i = map.labs.indexOf(lab);
  const link = (to: LabEntry | undefined, what: string, kind: string): string =>
    to
      ? tag("a", { class: kind, href: to.page, rel: kind }, `<small>${what}</small>${escapeHtml(to.content.title)}`)
      : "";
  const links = link(map.labs[i - 1], "Before", "prev") + link(map.labs[i + 1], "Next", "next");
  return links && `<nav class="around" aria-label="Labs before and after">${links}</nav>`;
}

/** The front page: what this is, a real picture, the course map. */
export function frontPage(map: SiteMap): PageParts {
  const shown = map.labs.find((lab) => lab.content.picture);
  const minutes = map.labs.reduce((sum, lab) => sum + (lab.listed?.minutes ?? 0), 0);
  const figure = shown
    ? `<figure>${boxed(shown.content.picture as string)}<figcaption>From <a href="${encodeURI(shown.page)}">${escapeHtml(shown.content.title)}</a>: drawn from the packets of the run that this site shows.</figcaption></figure>`
    : "";
  return {
    kind: "front",
    title: `${COURSE}: brokers, packets and proofs`,
    description:
      "MQTT taught by running brokers: every claim is shown by a cell, and every output comes from a real run.",
    file: "index.html",
    main: `<h1>MQTT, shown and not told</h1>
<p class="lead">Notebooks for engineers who run MQTT. Each starts real Mosquitto brokers, publishes and subscribes with the client you use at work, and shows the packets that went over the wire. Every claim here is followed by the cell that shows it; every output comes from a run.</p>
${figure}
<h2 id="labs">The labs</h2>
<p class="facts">${[plural(map.labs.length, "lab"), minutes ? `${minutes} minutes` : "", map.toCome.length ? `${map.toCome.length} to come` : ""].filter(Boolean).join(" · ")}</p>
<ol class="map">
${[...map.labs.map(row), ...map.toCome.map(rowToCome)].join("\n")}
</ol>
<p>Reading is enough to follow. To run the cells and be judged by a real broker: <a href="run.html">how to run it</a>.</p>`,
  };
}

function row(lab: LabEntry): string {
  const { content, listed } = lab;
  const id = /^(\d+)-/.exec(lab.name)?.[1] ?? "";
  const meta = [
    listed?.minutes ? `${listed.minutes} min` : "",
    content.points ? plural(content.points, "point") : "",
  ].filter(Boolean);
  const needs = listed?.needs.length ? `<p>After lab ${escapeHtml(listed.needs.join(", "))}.</p>` : "";
  return `<li><span class="id">${id}</span><div><a href="${encodeURI(lab.page)}">${escapeHtml(content.title)}</a><p>${escapeHtml(content.lead)}</p>${needs}</div><span class="meta">${meta.join(" · ")}</span></li>`;
}

function rowToCome(lab: SiteMap["toCome"][number]): string {
  const id = /^(\d+)-/.exec(lab.slug)?.[1] ?? "";
  return `<li><span class="id">${id}</span><div>${escapeHtml(titleFromSlug(lab.slug))}<p>Not written yet.</p></div><span class="meta">${lab.minutes ? `${lab.minutes} min` : ""}</span></li>`;
}

const STATEMENT = /^MQTT-/;

/** Every topic, with the cells that prove it. */
export function topicsPage(map: SiteMap): PageParts {
  const names = Object.assign({}, ...map.labs.map((lab) => lab.content.names)) as Record<string, string>;
  const row = ([id, cells]: [string, string]): string =>
    `<tr id="${escapeHtml(id)}"><th scope="row">${escapeHtml(id)}${names[id] ? `<span>${escapeHtml(names[id])}</span>` : ""}</th><td>${cells}</td></tr>`;
  const topics = proofs(map, (id) => !STATEMENT.test(id)).map(row);
  const statements = proofs(map, (id) => STATEMENT.test(id)).map(row);
  const terms = map.labs.flatMap((lab) => lab.content.terms.map((term) => ({ ...term, page: lab.page })));
  const first = terms.filter((term, i) => terms.findIndex((other) => other.term === term.term) === i);
  first.sort((a, b) => a.term.localeCompare(b.term, "en"));
  const glossary = first.length
    ? `<h2 id="terms">Terms, where they are first taught</h2><ul>${first.map((term) => `<li><a href="${encodeURI(term.page)}#${encodeURIComponent(term.anchor)}">${escapeHtml(term.term)}</a></li>`).join("")}</ul>`
    : "";
  return {
    kind: "index",
    title: `Topics · ${COURSE}`,
    file: "topics.html",
    main: `<h1>Topics, and the cells that prove them</h1>
${topics.length ? table(["Topic", "Proven by"], topics) : "<p>No cell names a topic yet.</p>"}
${statements.length ? `<h2 id="statements">Statements of the specification</h2>${table(["Statement", "Shown by"], statements)}` : ""}
${glossary}`,
  };
}

/** The ledger: what each statement of the specification did on the broker of the run. */
export function statementsPage(map: SiteMap): PageParts {
  const rows = map.labs.flatMap((lab) =>
    lab.content.observations.map((seen) => {
      const verdict = seen.holds ? "✓ holds" : seen.deviation ? `◐ deviates: ${seen.deviation}` : "✗ differs";
      const link = tag("a", { href: `${lab.page}#${encodeURIComponent(seen.anchor)}` }, escapeHtml(lab.content.title));
      return `<tr><th scope="row">${escapeHtml(seen.id)}</th><td>${escapeHtml(verdict)}</td><td><code>${escapeHtml(seen.observed)}</code></td><td>${escapeHtml(seen.mosquitto ? `Mosquitto ${seen.mosquitto}` : "")}</td><td>${link}</td></tr>`;
    }),
  );
  return {
    kind: "index",
    title: `Statements of the specification · ${COURSE}`,
    file: "statements.html",
    main: `<h1>Statements of the specification, shown</h1>
<p class="lead">The MQTT 5.0 specification numbers what clients and servers must do. These were put to a broker, and this is what it did.</p>
${rows.length ? table(["Statement", "Verdict", "Observed", "On", "Shown in"], rows) : "<p>No run on this site has shown one yet.</p>"}`,
  };
}

const table = (columns: readonly string[], rows: readonly string[]): string =>
  `<div class="scroll" tabindex="0" role="group" aria-label="Table"><table><thead><tr>${columns.map((name) => `<th scope="col">${name}</th>`).join("")}</tr></thead><tbody>\n${rows.join("\n")}\n</tbody></table></div>`;

/** Each id with its proving cells, lab by lab. */
function proofs(map: SiteMap, wanted: (id: string) => boolean): [string, string][] {
  const found = new Map<string, string>();
  for (const lab of map.labs) {
    for (const id of new Set(lab.content.proofs.map((proof) => proof.id).filter(wanted))) {
      const cells = lab.content.proofs.filter((proof) => proof.id === id).map((proof) => cellLink(lab, proof));
      found.set(id, `${found.get(id) ?? ""}${escapeHtml(lab.content.title)}<ul class="cells">${cells.join("")}</ul>`);
    }
  }
  return [...found].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
}

const cellLink = (lab: LabEntry, proof: Proof): string =>
  `<li>${tag("a", { href: `${lab.page}#${encodeURIComponent(proof.anchor)}` }, escapeHtml(`cell ${proof.number}`))} ${escapeHtml(proof.under)}</li>`;

/** How to run the course. */
export const runPage = (): PageParts => ({
  kind: "index",
  title: `Run it · ${COURSE}`,
  file: "run.html",
  main: `<h1>Run the labs yourself</h1>
<p class="lead">You need Node 20.19 or newer and Python 3.10 or newer with <code>venv</code>. Everything else is brought into the course’s own folder.</p>
<ol>
<li>Get the course’s folder.</li>
<li>In it: <code>npm start</code>. The first time it brings JupyterLab and compiles the helpers; then it opens JupyterLab on your own copies of the labs.</li>
<li>Open a lab, and run its cells from the top.</li>
</ol>
<p>Brokers run in containers where an engine such as Docker or Podman answers. Without one, the course runs Mosquitto itself as WebAssembly, or a <code>mosquitto</code> that is installed. <code>npm run doctor</code> says what your machine can run and, for each lack, the one command that mends it.</p>
<h2 id="judged">Being judged</h2>
<p>Below each exercise stands a locked check. It starts its own brokers and clients, tries what you wrote, and shows a card: what was expected, what was observed, and where to look next. <code>lab.hint("…")</code> gives three hints, one at a time.</p>
<h2 id="ends">What stays behind</h2>
<p>Nothing outside the folder. Whatever a notebook started ends with its kernel; <code>npm run clean</code> removes images and caches, and says first how much disk each takes.</p>`,
});
