import { escapeHtml, tag } from "../escape";
import type { PageParts } from "../frame";
import type { Heading } from "../markdown";
import type { Run } from "../notebook";
import { COURSE, type LabEntry, labByNumber, plural, type SiteMap } from "../site-map";

/** A lab's page in its frame. */
export function labPage(map: SiteMap, lab: LabEntry): PageParts {
  const { content } = lab;
  const top = [facts(map, lab), openIt(lab)].join("\n");
  return {
    kind: "lab",
    title: `${content.title} · ${COURSE}`,
    // A lesson that begins with a heading has no opening sentence.
    description: content.lead || content.title,
    file: lab.page,
    aside: outline(content.outline),
    main: `<article>${content.html.replace("</h1>", () => `</h1>\n${top}`)}</article>`,
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

/** Under the title: what it takes, and what the outputs come from. */
function facts(map: SiteMap, { content, listed }: LabEntry): string {
  const needs = content.after.flatMap((id) => {
    const lab = labByNumber(map, id);
    if (!lab) return [];
    return lab.page ? tag("a", { href: lab.page }, escapeHtml(`lab ${id}`)) : escapeHtml(`lab ${id}`);
  });
  const parts = [
    listed?.minutes ? plural(listed.minutes, "minute") : "",
    needs.length ? `after ${needs.join(" and ")}` : "",
    content.exercises ? plural(content.exercises, "exercise") : "",
    content.points ? plural(content.points, "point") : "",
  ].filter(Boolean);
  const lines = [parts.join(" · "), escapeHtml(ranOn(content.run))].filter(Boolean);
  return lines.length ? `<p class="facts">${lines.join("<br>")}</p>` : "";
}

function ranOn(run: Run | undefined): string {
  if (!run) return "";
  const on = [run.mosquitto ? `Mosquitto ${run.mosquitto}` : "", run.engine ? `engine ${run.engine}` : ""]
    .filter(Boolean)
    .join(", ");
  const date = run.date && /^\d{4}-\d{2}-\d{2}/.exec(run.date)?.[0];
  return on || date ? `Outputs from a run${on ? ` on ${on}` : ""}${date ? `, ${date}` : ""}` : "";
}

function openIt(lab: LabEntry): string {
  const file = `${lab.name}.ipynb`;
  const download = tag("a", { href: `notebooks/${encodeURIComponent(file)}`, download: file }, "Download the notebook");
  return (
    '<details class="open-it"><summary>Open in JupyterLab</summary><p><code>npm start</code> in the course’s folder sets up ' +
    `what is missing and opens JupyterLab; this lab is <code>${escapeHtml(file)}</code> there, a copy of your own. ` +
    `<a href="run.html">What that needs</a>. ${download}.</p></details>`
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
