import { withoutAnsi } from "./ansi";
import { questionIn, roleOf } from "./cells";
import type { Material, Solutions } from "./lesson";
import type { Prose } from "./markdown";
import { type Cell, multiline, type Output } from "./notebook";
import type { Section } from "./search-file";

/** Of a long output its start is searched. */
const LONGEST = 6_000;

export function proseSection(prose: Prose, anchor: string, under: string): Section[] {
  const text = squeezed(prose.blocks.join("\n"));
  return text ? [{ kind: "prose", anchor, under, text }] : [];
}

/** What the page shows of a code cell without unfolding: no solution, no forecast, no hint. */
export function cellSections(
  cell: Cell,
  anchor: string,
  under: string,
  { material, solutions }: { material: Material; solutions: Solutions },
): Section[] {
  const role = roleOf(cell);
  if (role === "guess" || role === "predict") return [];
  const code = role === "exercise" ? (material.stubs?.[cell.id] ?? "") : cell.source;
  const shown = role === "exercise" || (role === "check" && solutions === "hidden") ? [] : cell.outputs;
  const output = squeezed(shown.map(textOf).join("\n")).slice(0, LONGEST);
  return [
    ...(code.trim() ? [{ kind: "code" as const, anchor, under, text: squeezed(code) }] : []),
    ...(output ? [{ kind: "output" as const, anchor, under, text: output }] : []),
  ];
}

/** Every view says the same in plain text. The answer to a forecast stays on its page. */
function textOf(output: Output): string {
  if (output.type === "stream") return withoutAnsi(output.text);
  if (output.type === "error") return withoutAnsi(output.traceback || `${output.name}: ${output.message}`);
  if (questionIn(output, "reveal") || questionIn(output, "predict")) return "";
  return withoutAnsi(multiline(output.bundle["text/plain"]) ?? "").slice(0, LONGEST);
}

const squeezed = (text: string): string =>
  text
    .replace(/[^\S\n]+/g, " ")
    .replace(/\s*\n\s*/g, "\n")
    .trim();
