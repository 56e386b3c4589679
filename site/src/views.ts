import { lineView, type ObservationData, observationView, solutionView } from "kernel-helpers/dist/lab/lesson-views";
import { type RevealCard, revealView } from "kernel-helpers/dist/views/card";
import { type Draw, redraw } from "kernel-helpers/dist/views/draw";
import type { PacketsData } from "kernel-helpers/dist/views/packets";
import type { View, ViewData } from "kernel-helpers/dist/views/view";
import { limits } from "./limits";
import { packetsHtml, sequenceHtml } from "./packets";

/** Kinds that are drawn in a higher room than the pictures. */
const lesson: Readonly<Record<string, Draw>> = {
  observation: (data: ObservationData) => observationView(data),
  line: (data: { text: string }) => lineView(data.text),
  solution: (data: { id: string; code: string }) => solutionView(data.id, data.code),
};

/** The view drawn again, or undefined where what the notebook kept beside it must do. What comes back is not sanitised. */
export function drawKept(kept: ViewData): View | undefined {
  try {
    if (JSON.stringify(kept.data).length > limits.view) return undefined;
    // The solved run forecast what it knew; a reader's forecast is the reader's.
    if (kept.kind === "reveal") return revealView({ ...(kept.data as RevealCard), guess: null });
    return redraw(kept, lesson);
  } catch {
    // Data that is not of its kind's shape: the notebook's own picture is shown instead.
    return undefined;
  }
}

/** Views that a page shows in a form of its own, as HTML that is safe; undefined for the others. */
export function onPage(kept: ViewData, label: string): string | undefined {
  const draw = kept.kind === "sequence" ? sequenceHtml : kept.kind === "packets" ? packetsHtml : undefined;
  try {
    if (!draw || JSON.stringify(kept.data).length > limits.view) return undefined;
    return draw(kept.data as PacketsData, label);
  } catch {
    // Data that is not of its kind's shape: the notebook's own picture is shown instead.
    return undefined;
  }
}
