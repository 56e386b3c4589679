import { escapeHtml, tag } from "../escape";
import type { PageParts } from "../frame";
import type { Proof } from "../lab-page";
import { COURSE, isStatement, type LabEntry, type SiteMap } from "../site-map";
import { table } from "./table";

/** The chapters of the specialist topics. */
const CHAPTERS: Readonly<Record<string, string>> = {
  S1: "Protocol mechanics",
  S2: "Architecture",
  S3: "Performance",
  S4: "Security",
  S5: "Integration",
  S6: "Monitoring and maintenance",
};

/** Every topic of the course with the cells that prove it, or the lab that will. */
export function topicsPage(map: SiteMap): PageParts {
  const found = proofs(map);
  const names: Record<string, string> = Object.assign({}, ...map.labs.map((lab) => lab.content.names), map.topics);
  const ids = [...new Set([...Object.keys(map.topics), ...found.keys()])].sort((a, b) =>
    a.localeCompare(b, "en", { numeric: true }),
  );
  const shown = ids.filter((id) => found.has(id)).length;
  const row = (id: string): string => {
    const name = names[id] ? `<span>${escapeHtml(names[id])}</span>` : "";
    return `<tr id="${escapeHtml(id)}"><th scope="row">${escapeHtml(id)}${name}</th><td>${found.get(id) ?? toCome(map, id)}</td></tr>`;
  };
  const groups = new Map<string, string[]>();
  for (const id of ids) {
    const group = chapter(map, id);
    groups.set(group, [...(groups.get(group) ?? []), row(id)]);
  }
  const parts = [...groups].map(
    ([name, rows]) => `<h2>${escapeHtml(name)}</h2>\n${table(escapeHtml(name), ["Topic", "Proven by"], rows)}`,
  );
  const lead = map.toCome.length
    ? `${ids.length} topics: ${shown} shown by cells that ran, the others to come.`
    : "Each topic with the cells that prove it: they ran, and their outputs are on these pages.";
  return {
    kind: "index",
    title: `Topics · ${COURSE}`,
    description: "Every topic of the course with the cells that prove it.",
    file: "topics.html",
    main: `<h1>Topics, and the cells that prove them</h1>
<p class="lead">${lead}</p>
${parts.join("\n") || "<p>No cell names a topic yet.</p>"}`,
  };
}

/** The heading that a topic stands under: its lab, its chapter, or none of ours. */
function chapter(map: SiteMap, id: string): string {
  const [, kind, number] = /^([LS])(\d+)\./.exec(id) ?? [];
  if (kind === "S") return `S${number} · ${CHAPTERS[`S${number}`] ?? "Specialist topics"}`;
  if (kind !== "L") return "Other topics";
  const lab = map.labs.find((one) => one.listed?.id === Number(number));
  const title = lab?.content.title ?? map.toCome.find((one) => one.id === Number(number))?.title;
  return `Lab ${number}${title ? ` · ${title}` : ""}`;
}

function toCome(map: SiteMap, id: string): string {
  const own = /^L(\d+)\./.exec(id)?.[1];
  const labs = map.toCome.filter((lab) => (own ? lab.id === Number(own) : lab.also.includes(id)));
  const where = labs.map((lab) => `lab ${lab.id}, ${lab.title}`).join("; ");
  return `<span class="open">${escapeHtml(where ? `to come: ${where}` : "no cell shows it yet")}</span>`;
}

/** Each topic with its proving cells, lab by lab. */
function proofs(map: SiteMap): Map<string, string> {
  const found = new Map<string, string>();
  for (const lab of map.labs) {
    for (const id of new Set(lab.content.proofs.map((proof) => proof.id).filter((one) => !isStatement(one)))) {
      const cells = lab.content.proofs.filter((proof) => proof.id === id).map((proof) => cellLink(lab, proof));
      found.set(id, `${found.get(id) ?? ""}<ul class="cells">${cells.join("")}</ul>`);
    }
  }
  return found;
}

function cellLink(lab: LabEntry, proof: Proof): string {
  const number = lab.listed ? `lab ${lab.listed.id}, ` : "";
  const link = tag(
    "a",
    { href: `${lab.page}#${encodeURIComponent(proof.anchor)}` },
    escapeHtml(`${number}cell ${proof.number}`),
  );
  return `<li>${link} ${escapeHtml(proof.under)}</li>`;
}
