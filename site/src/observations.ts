import { keptView } from "./kept-view";
import { isRecord, type Notebook, type Output } from "./notebook";

/** What `lab.observe` showed. */
export interface Observation {
  readonly id: string;
  readonly anchor: string;
  readonly holds: boolean;
  readonly observed: string;
  readonly deviation: string | undefined;
  readonly mosquitto: string | undefined;
  readonly engine: string | undefined;
}

export const observationsIn = (outputs: readonly Output[], anchor: string): Observation[] =>
  outputs.flatMap((output) => observationIn(output, anchor) ?? []);

/** All of a notebook's, for the ledger: of a run that has no page of its own. */
export const allObservations = ({ cells, run }: Notebook): Observation[] =>
  cells.flatMap((cell) =>
    observationsIn(cell.outputs, `cell-${cell.id}`).map((seen) => ({
      ...seen,
      mosquitto: seen.mosquitto ?? run?.mosquitto,
    })),
  );

function observationIn(output: Output, anchor: string): Observation | undefined {
  const kept = output.type === "data" ? keptView(output.bundle["application/vnd.mqtt-notebooks.view+json"]) : undefined;
  if (kept?.kind !== "observation" || !isRecord(kept.data)) return undefined;
  const { id, holds, observed, deviation, mosquitto, engine } = kept.data;
  if (typeof id !== "string" || typeof observed !== "string") return undefined;
  const text = (value: unknown): string | undefined => (typeof value === "string" ? value.slice(0, 300) : undefined);
  return {
    id: id.slice(0, 60),
    anchor,
    holds: holds === true,
    observed: observed.slice(0, 300),
    deviation: text(deviation),
    mosquitto: text(mosquitto),
    engine: text(engine),
  };
}
