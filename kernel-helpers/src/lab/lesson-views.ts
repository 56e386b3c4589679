import { escapeText, visible } from "../views/escape";
import { badge, block, card, code, heading } from "../views/html";
import { tableView } from "../views/table";
import { type View, view } from "../views/view";
import type { ProgressState } from "./progress-state";

/** What an observation showed: for the site's ledger of statements. */
export interface ObservationData {
  readonly id: string;
  readonly expected: string;
  readonly observed: string;
  readonly holds: boolean;
  /** Why it may differ on this broker version; then it counts as shown. */
  readonly deviation: string | null;
  readonly mosquitto: string | null;
  readonly engine: string | null;
}

/** One line: the statement, whether it holds, and what was seen. */
export function observationView(seen: ObservationData): View<"observation", ObservationData> {
  const where = seen.mosquitto ? `mosquitto ${seen.mosquitto}` : "";
  const [kind, word] = seen.holds
    ? (["ok", "observed"] as const)
    : seen.deviation
      ? (["warn", "known deviation"] as const)
      : (["bad", "differs"] as const);
  const beside = seen.holds ? "" : `, expected ${seen.expected}`;
  const why = seen.deviation ? ` (${seen.deviation})` : "";
  return view("observation", seen, {
    as: "html",
    picture: card(
      `${badge(kind, word)} &nbsp;<b>${escapeText(seen.id)}</b> &nbsp;${code(seen.observed)}${beside ? `, expected ${code(seen.expected)}` : ""}${escapeText(why)} &nbsp;${escapeText(where)}`,
      "padding:6px 12px;",
    ),
    text: visible(
      `${seen.holds ? "✓" : seen.deviation ? "◐" : "✗"} ${seen.id}: ${seen.observed}${beside}${why}${where ? ` · ${where}` : ""}`,
    ),
  });
}

/** A line of ours where a picture would be too much: "there are no hints for this exercise". */
export function lineView(text: string): View<"line", { text: string }> {
  return view(
    "line",
    { text },
    { as: "html", picture: card(escapeText(text), "padding:6px 12px;"), text: visible(text) },
  );
}

export function solutionView(id: string, solution: string): View<"solution", { id: string; code: string }> {
  const text = solution.replace(/\s+$/, "");
  return view(
    "solution",
    { id, code: text },
    {
      as: "html",
      picture: card(heading("A solution", id) + block(text.split("\n"))),
      text: `A solution (${id})\n\n${text}`,
    },
  );
}

/** This lab's checks with what each earned last; those that never ran are there too. */
export function scoreView(lab: string, checks: readonly { id: string; points: number }[], state: ProgressState): View {
  const known = new Set(checks.map((check) => check.id));
  const more = Object.entries(state.checks).filter(([id]) => !known.has(id));
  // What a notebook no longer has is not counted, unless it is a lab of the reader's own, which has no list.
  const all = checks.length ? checks : more.map(([id, kept]) => ({ id, points: kept.points }));
  const rows = all.map((check) => {
    const kept = state.checks[check.id];
    const score = Math.min(kept?.score ?? 0, check.points);
    return [check.id, kept?.status ?? "not run yet", score, check.points] as const;
  });
  const sum = (column: 2 | 3) => rows.reduce((total, row) => total + row[column], 0);
  return tableView({
    caption: `Checks of lab ${lab}: ${sum(2)} of ${sum(3)} points`,
    columns: ["check", "status", "score", "points"],
    rows,
  });
}
