/** What the executed cells of a notebook of ours showed, read from the views' data. */
import type { Outcome } from "../checks/outcome";
import type { ObservationData } from "../lab/lesson-views";
import type { Prediction, Revealed } from "../lab/predictions";
import { type Cell, isCode, isGraded, type Notebook, sourceOf, tagsOf } from "../notebook/model";
import { VIEW_MIME, type ViewData } from "../views/view";

/** The views of a cell, of one kind. */
export function viewsOf<Data>(cell: Cell, kind: string): Data[] {
  return (isCode(cell) ? cell.outputs : []).flatMap((output) => {
    const shown = (output as { data?: Record<string, ViewData | undefined> }).data?.[VIEW_MIME];
    return shown?.kind === kind ? [shown.data as Data] : [];
  });
}

/** The last outcome of each check that showed a card. */
export function outcomesOf(notebook: Notebook): Map<string, Outcome> {
  const outcomes = notebook.cells.flatMap((cell) => viewsOf<Outcome>(cell, "check"));
  return new Map(outcomes.map((outcome) => [outcome.id, outcome]));
}

/** All that a card says, for whoever looks for a message in it. */
export function wordsOf(outcome: Outcome): string {
  const rows = outcome.findings.filter((one) => !one.ok).map((one) => `${one.what}: ${one.expected}, ${one.observed}`);
  return [...rows, ...outcome.reasons, outcome.next, ...outcome.evidence.flatMap((one) => one.lines)].join("\n");
}

/** Why a notebook that ran to its end isn't right all the same; empty when it is. */
export function faultsOf(notebook: Notebook, engine: string): string[] {
  const faults: string[] = [];
  const asked = new Set<string>();
  const revealed = new Set<string>();
  for (const cell of notebook.cells) {
    const where = `cell ${cell.id}`;
    const outcomes = viewsOf<Outcome>(cell, "check");
    if (isGraded(cell) && !outcomes.length) faults.push(`${where}: the check showed no card`);
    for (const outcome of outcomes) {
      if (outcome.status === "passed") continue;
      if (outcome.status === "unavailable" && mayBeUnavailable(cell, engine)) continue;
      faults.push(`${where}: the check is ${outcome.status}\n${wordsOf(outcome)}`);
    }
    for (const seen of viewsOf<ObservationData>(cell, "observation")) {
      if (!seen.holds && !seen.deviation) faults.push(`${where}: ${seen.id} differs: ${seen.observed}`);
    }
    for (const one of viewsOf<Prediction>(cell, "predict")) asked.add(one.id);
    for (const one of viewsOf<Revealed>(cell, "reveal")) {
      revealed.add(one.id);
      if (one.guess === null) faults.push(`${where}: the solved notebook has no forecast for "${one.id}"`);
    }
  }
  for (const id of asked) if (!revealed.has(id)) faults.push(`the forecast "${id}" is never revealed`);
  return faults;
}

/** By the tag needs-docker, or where the check's own text asks for the engine or the version. */
function mayBeUnavailable(cell: Cell, engine: string): boolean {
  return (
    (tagsOf(cell).includes("needs-docker") && engine !== "docker") || /\bt\.(engine|version)\b/.test(sourceOf(cell))
  );
}
