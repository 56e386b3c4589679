import { escapeHtml, tag } from "./escape";
import { keptView } from "./kept-view";
import type { Material, Solutions } from "./lesson";
import { codeBox, renderSnippet, type Surroundings } from "./markdown";
import { type Cell, isRecord, type Output } from "./notebook";

/** What a code cell is to the reader. */
export type Role = "plain" | "predict" | "guess" | "exercise" | "check";

export function roleOf(cell: Cell): Role {
  if (cell.graded?.grade || cell.tags.includes("check")) return "check";
  const answer = cell.graded?.solution === true;
  if (cell.tags.includes("predict")) return answer ? "guess" : "predict";
  return answer || cell.tags.includes("exercise") ? "exercise" : "plain";
}

export interface CellPlace {
  readonly anchor: string;
  /** Its number among the notebook's code cells. */
  readonly number: number;
  readonly language: string;
  readonly material: Material;
  readonly solutions: Solutions;
  /** Whether its outputs answer a question that the reader may want to answer first. */
  readonly held: boolean;
  readonly around: Surroundings;
  /** A topic's or statement's place in the index. */
  topic(id: string): string;
}

/** A code cell with its outputs, as its role wants it; "" when there is nothing to show. */
export function codeCellHtml(cell: Cell, place: CellPlace): string {
  const inside = SHOW[roleOf(cell)](cell, place);
  if (!inside) return "";
  const label = `Link to cell ${place.number}`;
  const link = tag("a", { class: "n", href: `#${place.anchor}`, "aria-label": label }, String(place.number));
  return tag("div", { class: `cell ${roleOf(cell)}`, id: place.anchor }, link + inside + provesHtml(cell, place));
}

const SHOW: Record<Role, (cell: Cell, place: CellPlace) => string> = {
  plain: plainHtml,
  predict: predictHtml,
  guess: guessHtml,
  exercise: exerciseHtml,
  check: checkHtml,
};

function plainHtml(cell: Cell, place: CellPlace): string {
  const code = cell.source.trim() ? source(cell.source, place) : "";
  const input = code && cell.tags.includes("hide-input") ? fold("Code of this cell", code) : code;
  const outputs = outputsHtml(cell, place);
  if (!outputs) return input;
  return input + (place.held ? fold("Output: make your forecast, then open", outputs, "held") : outputs);
}

const source = (code: string, place: CellPlace, what = `Code of cell ${place.number}`): string =>
  codeBox(code.replace(/\s+$/, ""), place.language, what);

export function fold(summary: string, inside: string, kind = ""): string {
  return tag("details", { class: kind || undefined }, `<summary>${escapeHtml(summary)}</summary>${inside}`);
}

function outputsHtml(cell: Cell, place: CellPlace): string {
  const label = `Output of cell ${place.number}`;
  const shown = cell.outputs.map((output, i) => one(output, i)).join("");
  return shown && `<div class="outputs">${shown}</div>`;

  function one(output: Output, i: number): string {
    try {
      // Loaded where there is something to render: it brings the sanitisers and the views along.
      const { outputHtml } = require("./outputs") as typeof import("./outputs");
      return lessonCard(output, place) ?? outputHtml(output, { label, around: place.around });
    } catch (error) {
      place.around.warn(`output ${i + 1} cannot be shown: ${(error as Error).message}`);
      return '<p class="missing">This output could not be shown.</p>';
    }
  }
}

// --- predictions ----------------------------------------------------------------------------------------------------

interface Question {
  readonly id: string;
  readonly choices: Readonly<Record<string, string>>;
  readonly answer: string | undefined;
}

/** The question in an output of `lab.predict` or `lab.reveal`. */
export function questionIn(output: Output, kind: "predict" | "reveal"): Question | undefined {
  const kept = output.type === "data" ? keptView(output.bundle["application/vnd.mqtt-notebooks.view+json"]) : undefined;
  if (kept?.kind !== kind || !isRecord(kept.data)) return undefined;
  const { id, choices, answer } = kept.data;
  if (typeof id !== "string" || !isRecord(choices)) return undefined;
  const says = Object.entries(choices).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return { id, choices: Object.fromEntries(says), answer: typeof answer === "string" ? answer : undefined };
}

function predictHtml(cell: Cell, place: CellPlace): string {
  return fold("Code of this cell", source(cell.source, place), "quiet") + outputsHtml(cell, place);
}

/** The learner's own line as it is before it is written; the solved run's forecast would give the answer away. */
function guessHtml(cell: Cell, place: CellPlace): string {
  const stub = place.material.stubs?.[cell.id];
  return stub?.trim() ? fold("Your forecast, in the notebook", source(stub, place), "quiet") : "";
}

/** Questions and answers as the page asks them: the reader's forecast stays on the page. */
function lessonCard(output: Output, place: CellPlace): string | undefined {
  const asked = questionIn(output, "predict");
  if (asked) {
    const name = `${place.anchor}-forecast`;
    const choices = Object.entries(asked.choices).map(
      ([key, says]) =>
        `<label>${tag("input", { type: "radio", name, value: key, "data-question": asked.id })} <span>${escapeHtml(says)}</span></label>`,
    );
    return `<fieldset class="forecast"><legend>What will happen?</legend>${choices.join("")}</fieldset>`;
  }
  const revealed = questionIn(output, "reveal");
  if (!revealed || revealed.answer === undefined) return undefined;
  const says = revealed.choices[revealed.answer] ?? revealed.answer;
  const yours = tag(
    "p",
    { class: "yours", "data-question": revealed.id, "data-answer": revealed.answer, hidden: true },
    "",
  );
  return `<div class="observed"><p>Observed: <strong>${escapeHtml(says)}</strong></p>${yours}</div>`;
}

// --- exercises ------------------------------------------------------------------------------------------------------

function exerciseHtml(cell: Cell, place: CellPlace): string {
  const { material, solutions } = place;
  const stub = material.stubs?.[cell.id];
  const start = stub?.trim() ? source(stub, place, `Cell ${place.number}, where your answer goes`) : "";
  const outputs = outputsHtml(cell, place);
  const other = material.others[cell.id];
  const solution =
    solutions === "collapsed" && cell.source.trim()
      ? fold(
          "A solution",
          source(cell.source, place, "A solution") +
            (other ? fold("Another that passes", source(other, place, "Another solution")) : "") +
            outputs,
          "solution",
        )
      : "";
  return `<p class="role">Your turn</p>${start}${hintsHtml(material.hints[cell.id] ?? [], place)}${solution}`;
}

const STEPS = ["where to look", "what you should see there", "almost the line"];

/** Each hint opens inside the one before it: three clicks to the last. */
function hintsHtml(steps: readonly string[], place: CellPlace): string {
  return steps.reduceRight((inner, step, i) => {
    const title = `Hint ${i + 1} of ${steps.length}${steps.length === STEPS.length ? `: ${STEPS[i]}` : ""}`;
    return fold(title, `<div class="prose">${renderSnippet(step, place.around)}</div>${inner}`, "hint");
  }, "");
}

function checkHtml(cell: Cell, place: CellPlace): string {
  const points = cell.graded?.points;
  const worth = points === undefined ? "" : ` · ${points} ${points === 1 ? "point" : "points"}`;
  // The card tells expected values and evidence: with hidden solutions it would be one.
  const card = place.solutions === "hidden" ? "" : outputsHtml(withoutScore(cell), place);
  return `<p class="role">Check${worth}</p>${fold("How it is judged", source(cell.source, place))}${card}`;
}

/** The cell's value is the points earned, for nbgrader; the card says them already. */
function withoutScore(cell: Cell): Cell {
  const isScore = (output: Output): boolean =>
    output.type === "data" &&
    Object.keys(output.bundle).every((mime) => mime === "text/plain") &&
    /^\d+(?:\.\d+)?$/.test(String(output.bundle["text/plain"]).trim());
  return { ...cell, outputs: cell.outputs.filter((output) => !isScore(output)) };
}

function provesHtml(cell: Cell, place: CellPlace): string {
  if (!cell.proves.length) return "";
  const links = cell.proves.map((id) => tag("a", { href: place.topic(id) }, escapeHtml(id)));
  return `<p class="proves">Shows ${links.join(", ")}</p>`;
}
