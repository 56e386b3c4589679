import { escapeHtml, tag } from "../escape";
import type { PageParts } from "../frame";
import type { Observation } from "../observations";
import { COURSE, isStatement, type LabEntry, type SiteMap } from "../site-map";
import { table } from "./table";

/** What one statement did, wherever it was put to a broker. */
interface Entry {
  readonly id: string;
  says: string;
  /** Links to the cells that show it. */
  readonly cells: Set<string>;
  /** By the broker's version. */
  readonly seen: Map<string, Observation[]>;
}

const UNSAID = "unnamed";

/** The ledger: what each statement of the specification did on each release of the broker that ran. */
export function ledgerPage(map: SiteMap): PageParts {
  const entries = collect(map);
  const versions = [...new Set([...entries.values()].flatMap((entry) => [...entry.seen.keys()]))].sort((a, b) =>
    b.localeCompare(a, "en", { numeric: true }),
  );
  const ids = [...entries.keys()].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const rows = ids.map((id) => row(entries.get(id) as Entry, versions));
  const columns = [
    "Statement",
    ...versions.map((one) => (one === UNSAID ? "Broker" : `Mosquitto ${escapeHtml(one)}`)),
    "Shown in",
  ];
  const deviating = ids.filter((id) =>
    [...(entries.get(id) as Entry).seen.values()].flat().some((seen) => !seen.holds),
  ).length;
  return {
    kind: "wide",
    title: `Statements of the specification · ${COURSE}`,
    description:
      "What statements of the MQTT 5.0 specification did on each release of Mosquitto, as cells of the course observed it.",
    file: "statements.html",
    main: `<h1>Statements of the specification, shown</h1>
<p class="lead">The MQTT 5.0 specification numbers what clients and servers must do. These were put to brokers, and this is what they did.</p>
${rows.length ? `<p class="facts">${summary(ids.length, versions.length, deviating)}</p>\n${table("Statements by release of the broker", columns, rows)}` : "<p>No run on this site has shown one yet.</p>"}`,
  };
}

function summary(statements: number, versions: number, deviating: number): string {
  const on = versions > 1 ? ` on ${versions} releases of Mosquitto` : "";
  const less = deviating ? `; ${deviating} with a deviation, which the row explains` : versions ? "; no deviation" : "";
  return `${statements} ${statements === 1 ? "statement" : "statements"}${on}${less}. ✓ as the specification says · ◐ known deviation · ✗ differs · – not run.`;
}

function collect(map: SiteMap): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  const entry = (id: string): Entry => {
    const made = entries.get(id) ?? { id, says: "", cells: new Set<string>(), seen: new Map<string, Observation[]>() };
    entries.set(id, made);
    return made;
  };
  const note = (seen: Observation): void => {
    const { seen: all } = entry(seen.id);
    const version = seen.mosquitto ?? UNSAID;
    all.set(version, [...(all.get(version) ?? []), seen]);
  };
  for (const lab of map.labs) {
    const { proofs, observations, statements, run } = lab.content;
    for (const proof of proofs)
      if (isStatement(proof.id)) entry(proof.id).cells.add(link(lab, proof.anchor, `cell ${proof.number}`));
    for (const seen of observations) note({ ...seen, mosquitto: seen.mosquitto ?? run?.mosquitto });
    for (const [id, says] of Object.entries(statements)) if (entries.has(id)) entry(id).says ||= says;
    for (const seen of observations) {
      if (!proofs.some((proof) => proof.id === seen.id)) entry(seen.id).cells.add(link(lab, seen.anchor, "cell"));
    }
  }
  for (const { lab, observations } of map.runs) {
    // A statement that the site's own edition of the lab does not show any more is no part of the ledger.
    if (map.labs.some((one) => one.name === lab)) for (const seen of observations) if (entries.has(seen.id)) note(seen);
  }
  return entries;
}

const link = (lab: LabEntry, anchor: string, words: string): string =>
  tag(
    "a",
    { href: `${lab.page}#${encodeURIComponent(anchor)}` },
    escapeHtml(`${lab.listed ? `lab ${lab.listed.id}` : lab.content.title}, ${words}`),
  );

function row({ id, says, cells, seen }: Entry, versions: readonly string[]): string {
  const marks = versions.map((version) => `<td>${verdict(seen.get(version))}</td>`).join("");
  const words = says ? `<span>${escapeHtml(says)}</span>` : "";
  return `<tr id="${escapeHtml(id)}"><th scope="row">${escapeHtml(id)}${words}</th>${marks}<td>${[...cells].join("<br>")}</td></tr>`;
}

function verdict(all: readonly Observation[] | undefined): string {
  if (!all?.length) return '<span class="open">– not run</span>';
  const worst =
    all.find((seen) => !seen.holds && !seen.deviation) ?? all.find((seen) => !seen.holds) ?? (all[0] as Observation);
  const [mark, kind] = worst.holds
    ? ["✓ holds", "good"]
    : worst.deviation
      ? ["◐ deviates", "partly"]
      : ["✗ differs", "bad"];
  const why = worst.deviation && !worst.holds ? `<p>${escapeHtml(worst.deviation)}</p>` : "";
  return `<b class="${kind}">${mark}</b>${why}<details><summary>observed</summary><code>${escapeHtml(worst.observed)}</code></details>`;
}
