/** Marks as CSV for a gradebook, and as a page for a learner. */
import type { Outcome } from "../../checks/outcome";
import { cardView } from "../../views/card";
import { escapeText } from "../../views/escape";
import type { Graded } from "./result";

/** nbgrader's columns, so that what reads its exports reads this. */
const COLUMNS = [
  "assignment",
  "duedate",
  "timestamp",
  "student_id",
  "last_name",
  "first_name",
  "email",
  "raw_score",
  "late_submission_penalty",
  "score",
  "max_score",
];

export function toCsv(submissions: readonly Graded[]): string {
  const rows = submissions.map((one) => [
    one.lab,
    "",
    "",
    one.learner,
    "",
    "",
    "",
    one.score,
    0,
    one.score,
    one.points,
  ]);
  return `${[COLUMNS, ...rows].map((row) => row.map(field).join(",")).join("\r\n")}\r\n`;
}

/** Quoted as RFC 4180 says; a text that a spreadsheet would take for a formula begins with an apostrophe. */
function field(value: string | number): string {
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) || text !== value ? `"${text.replaceAll('"', '""')}"` : text;
}

export interface Reported extends Graded {
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

/** One page: each submission with its checks' cards. Without scripts; nothing of a learner's text is markup. */
export function toHtml(submissions: readonly Reported[]): string {
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Marks</title>',
    "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}h2{margin-top:3rem}</style>",
    "</head><body><h1>Marks</h1>",
    ...submissions.map(section),
    "</body></html>\n",
  ].join("\n");
}

function section(one: Reported): string {
  const cards = one.checks.map((check) => {
    const outcome = one.outcomes.get(check.id);
    const mark = `${escapeText(check.id)}: ${check.status}, ${check.score} of ${check.points}`;
    const card = outcome ? cardView(outcome).picture : `<p>${escapeText(check.message)}</p>`;
    return `<section><h3>${mark}</h3>${card}</section>`;
  });
  const notes = one.notes.map((note) => `<li>${escapeText(note)}</li>`).join("");
  return [
    `<article><h2>${escapeText(one.learner)} · ${escapeText(one.lab)} · ${one.score} of ${one.points} points</h2>`,
    notes ? `<ul>${notes}</ul>` : "",
    ...cards,
    "</article>",
  ].join("\n");
}
