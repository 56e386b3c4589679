/** Marks as CSV for a gradebook, and as a page for a learner. */
import { cardView } from "../../views/card";
import { escapeText } from "../../views/escape";
import type { Reported } from "./result";
import { statisticsOf } from "./statistics";

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

export function toCsv(submissions: readonly Reported[]): string {
  const rows = submissions.map((one) => [
    one.lab,
    "",
    one.handedIn,
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

const STYLE = [
  "body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}",
  "h2{margin-top:3rem}h3{margin:2rem 0 .5rem}",
  ".wide{overflow-x:auto}table{border-collapse:collapse}caption{text-align:left;font-weight:600;padding:.3rem 0}",
  "th,td{border:1px solid #c9ced6;padding:.25rem .6rem;text-align:left;vertical-align:top}td.n{text-align:right}",
].join("");

/** Marks of one learner, to be sent: each check's card, and nothing of anybody else's. */
export function toLearnerPage(learner: string, submissions: readonly Reported[]): string {
  return page(`Marks of ${learner}`, submissions.map(section));
}

/** One page of all, for the instructor: a class's figures, then each submission with its checks' cards. */
export function toHtml(submissions: readonly Reported[]): string {
  const several = new Set(submissions.map((one) => one.learner)).size > 1;
  return page("Marks", [...(several ? [figures(submissions)] : []), ...submissions.map(section)]);
}

/** Without scripts; nothing of a learner's text is markup. */
function page(title: string, parts: readonly string[]): string {
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">`,
    `<meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeText(title)}</title>`,
    `<style>${STYLE}</style>`,
    `</head><body><h1>${escapeText(title)}</h1>`,
    ...parts,
    "</body></html>\n",
  ].join("\n");
}

function figures(submissions: readonly Reported[]): string {
  const rows = statisticsOf(submissions).map((row) => {
    const wrong = row.wrong ? `${escapeText(row.wrong)} (${row.wrongTimes} times)` : "";
    const numbers = [`${row.passed} of ${row.submissions}`, row.partly, round(row.mean), row.points, row.seconds ?? ""];
    const cells = numbers.map((one) => `<td class="n">${one}</td>`).join("");
    return `<tr><th scope="row">${escapeText(row.lab)} ${escapeText(row.id)}</th>${cells}<td>${wrong}</td></tr>`;
  });
  const head = ["check", "passed", "in part", "mean", "points", "seconds", "seen most often where it was not passed"];
  return [
    '<div class="wide"><table><caption>The checks, over all submissions</caption>',
    `<thead><tr>${head.map((one) => `<th scope="col">${one}</th>`).join("")}</tr></thead>`,
    `<tbody>${rows.join("\n")}</tbody></table></div>`,
  ].join("\n");
}

const round = (value: number): number => Math.round(value * 100) / 100;

function section(one: Reported): string {
  const cards = one.checks.map((check) => {
    const outcome = one.outcomes.get(check.id);
    const mark = `${escapeText(check.id)}: ${check.status}, ${check.score} of ${check.points}`;
    const card = outcome ? cardView(outcome).picture : `<p>${escapeText(check.message)}</p>`;
    return `<section><h3>${mark}</h3><div class="wide">${card}</div></section>`;
  });
  const notes = one.notes.map((note) => `<li>${escapeText(note)}</li>`).join("");
  return [
    `<article><h2>${escapeText(one.learner)} · ${escapeText(one.lab || "no lab")} · ${one.score} of ${one.points} points</h2>`,
    notes ? `<ul>${notes}</ul>` : "",
    ...cards,
    "</article>",
  ].join("\n");
}
