import { escapeText, isolate, visible } from "./escape";
import { badge, block, card, code, heading, htmlTable, inlineCode, paragraph } from "./html";
import { count, textTable, wrap } from "./text";
import { colour, type Tone, tone } from "./theme";
import { type View, view } from "./view";

/** A check's outcome, as the judge states it. */
export interface CheckCard {
  readonly id: string;
  readonly status: "passed" | "partly" | "failed" | "untouched" | "unavailable" | "error";
  readonly points: number;
  readonly score: number;
  readonly findings: readonly CardFinding[];
  /** The packets or log lines that decided. */
  readonly evidence: readonly { readonly title: string; readonly lines: readonly string[] }[];
  readonly reasons: readonly string[];
  /** Where to look next; empty after a pass. */
  readonly next: string;
}

export interface CardFinding {
  readonly what: string;
  readonly ok: boolean;
  readonly expected: string;
  readonly observed: string;
}

const HEADLINES: Record<CheckCard["status"], { tone: Tone; word: string; text: string }> = {
  passed: { tone: "ok", word: "passed", text: "Everything that was asked for is there." },
  partly: { tone: "warn", word: "partly", text: "Part of what was asked for is there." },
  failed: { tone: "bad", word: "failed", text: "Something that was asked for is not there yet." },
  untouched: { tone: "idle", word: "untouched", text: "There is no answer yet: this exercise still waits for you." },
  unavailable: { tone: "idle", word: "unavailable", text: "This machine's engine or broker cannot show it." },
  error: { tone: "bad", word: "error", text: "The check itself came to a wrong end; that is not your answer's mark." },
};

/** A check's card: headline, points, what was expected and seen, the evidence, and where to look next. */
export function cardView(check: CheckCard): View<"check", CheckCard> {
  const head = HEADLINES[check.status];
  const points = `${check.score} of ${count(check.points, "point")}`;
  return view("check", plainCopy(check), {
    as: "html",
    picture: card(cardHtml(check, head, points), edge(head.tone)),
    text: cardText(check, head, points),
  });
}

const edge = (kind: Tone) => `border-left:5px solid ${tone[kind].text};`;

const plainCopy = (check: CheckCard): CheckCard => ({
  ...check,
  findings: check.findings.map((one) => ({ ...one })),
  evidence: check.evidence.map((one) => ({ title: one.title, lines: [...one.lines] })),
  reasons: [...check.reasons],
});

function cardHtml(check: CheckCard, head: (typeof HEADLINES)["passed"], points: string): string {
  const rows = check.findings.map((one) => [mark(one.ok), isolate(one.what), value(one.expected), value(one.observed)]);
  const table = rows.length
    ? `<div style="margin:10px 0 0 0">${htmlTable(
        "Expected and observed",
        [{ title: "Met", nowrap: true }, { title: "What" }, { title: "Expected" }, { title: "Observed" }],
        rows,
        { rowHeader: 1, tint: (row) => (check.findings[row]?.ok ? undefined : colour.badTint) },
      )}</div>`
    : "";
  return [
    `<div>${badge(head.tone, head.word)} &nbsp;<b>${points}</b> &nbsp;<span style="color:${colour.muted}">${escapeText(check.id)}</span></div>`,
    paragraph(escapeText(head.text)),
    ...check.reasons.map((reason) => paragraph(isolate(reason))),
    table,
    ...check.evidence.map((one) => `<div style="margin:10px 0 0 0">${heading(one.title)}${block(one.lines)}</div>`),
    check.next
      ? paragraph(
          `<b>Next:</b> ${isolate(check.next)}`,
          `padding:6px 10px;background-color:${colour.quiet};border-radius:4px;margin:10px 0 0 0;`,
        )
      : "",
  ].join("");
}

const mark = (ok: boolean): string =>
  `<span style="font-weight:600;white-space:nowrap;color:${ok ? colour.ok : colour.bad}">${ok ? "✓ yes" : "✗ no"}</span>`;

/** A short value stays on its line however narrow the column is. */
const value = (text: string): string =>
  text.length <= 24 ? `<span style="white-space:nowrap">${code(text)}</span>` : code(text);

function cardText(check: CheckCard, head: (typeof HEADLINES)["passed"], points: string): string {
  const rows = check.findings.map((one) => [one.ok ? "✓" : "✗", one.what, one.expected, one.observed]);
  const paragraphs = [
    `${tone[head.tone].mark} ${head.word}, ${points} (${visible(check.id)}). ${head.text}`,
    ...check.reasons.map(visible),
    rows.length
      ? textTable(
          [{ title: "" }, { title: "what", max: 40 }, { title: "expected", max: 30 }, { title: "observed", max: 36 }],
          rows,
        )
      : "",
    ...check.evidence.map((one) => [visible(one.title), ...one.lines.map((line) => `  ${visible(line)}`)].join("\n")),
    check.next ? wrap(`Next: ${visible(check.next)}`, 100).join("\n") : "",
  ];
  return paragraphs.filter(Boolean).join("\n\n");
}

/** A question with a definite answer, asked before the cell that answers it. */
export interface PredictionCard {
  readonly id: string;
  /** Key to what it says: { none: "nothing", last: "the last value" }. */
  readonly choices: Readonly<Record<string, string>>;
  readonly guess: string | null;
}

/** The choices, and the one line that answers. */
export function predictView(asked: PredictionCard): View<"predict", PredictionCard> {
  const lead = "What will happen?";
  const how = `lab.guess(${JSON.stringify(asked.id)}, …)`;
  const chosen = asked.guess === null ? "" : `Your forecast: ${asked.choices[asked.guess] ?? asked.guess}.`;
  const items = Object.entries(asked.choices).map(
    ([key, says]) => `<li style="margin:2px 0">${code(JSON.stringify(key))} &nbsp;${isolate(says)}</li>`,
  );
  return view(
    "predict",
    { ...asked, choices: { ...asked.choices } },
    {
      as: "html",
      picture: card(
        `${heading(lead, "a forecast, not an exam")}<ul style="margin:0;padding-left:20px">${items.join("")}</ul>` +
          paragraph(
            `Answer in the next cell with the word in quotes: ${code(how)}${chosen ? ` <b>${isolate(chosen)}</b>` : ""}`,
          ),
        edge("idle"),
      ),
      text: [
        lead,
        ...Object.entries(asked.choices).map(([key, says]) => `  ${visible(JSON.stringify(key))}  ${visible(says)}`),
        `Answer in the next cell: ${visible(how)}`,
        ...(chosen ? [visible(chosen)] : []),
      ].join("\n"),
    },
  );
}

export interface RevealCard extends PredictionCard {
  /** The key of what happened. */
  readonly answer: string;
}

/** Forecast and observation side by side. No answer is fine, and says so. */
export function revealView(revealed: RevealCard): View<"reveal", RevealCard> {
  const say = (key: string) => revealed.choices[key] ?? key;
  const seen = say(revealed.answer);
  const right = revealed.guess === revealed.answer;
  const word = revealed.guess === null ? "no forecast" : right ? "as you said" : "not as you said";
  // A wrong forecast is no failure: it has the colour of something worth a second look.
  const kind: Tone = revealed.guess === null ? "idle" : right ? "ok" : "warn";
  const forecast = revealed.guess === null ? "none: the observation stands alone" : say(revealed.guess);
  return view(
    "reveal",
    { ...revealed, choices: { ...revealed.choices } },
    {
      as: "html",
      picture: card(
        `<div style="margin:0 0 8px 0">${badge(kind, word)}</div>` +
          htmlTable(
            "Forecast and observation",
            [{ title: "" }, { title: "" }],
            [
              ["Forecast", isolate(forecast)],
              ["Observed", `<b>${isolate(seen)}</b>`],
            ],
          ),
        edge(kind),
      ),
      text: `${tone[kind].mark} ${word}\n  forecast  ${visible(forecast)}\n  observed  ${visible(seen)}`,
    },
  );
}

export interface HintCard {
  readonly id: string;
  /** From 1. */
  readonly step: number;
  readonly of: number;
  readonly text: string;
}

const HINT_KINDS = ["where to look", "what you should see there", "almost the line"];

/** One step of a hint. */
export function hintView(hint: HintCard): View<"hint", HintCard> {
  const title = `Hint ${hint.step} of ${hint.of}`;
  const kind = hint.of === HINT_KINDS.length ? (HINT_KINDS[hint.step - 1] ?? "") : "";
  const more =
    hint.step < hint.of
      ? "Run the cell again for the next step."
      : "This was the last step. Run the cell again to begin at the first.";
  const body = proseAndCode(hint.text).map((part) =>
    part.code ? block(part.lines) : paragraph(part.lines.map(inlineCode).join(" ")),
  );
  return view(
    "hint",
    { ...hint },
    {
      as: "html",
      picture: card(
        `${heading(title, kind)}${body.join("")}${paragraph(more, `color:${colour.muted};`)}`,
        edge("idle"),
      ),
      text: `${title}${kind ? `: ${kind}` : ""}\n\n${hint.text.split("\n").map(visible).join("\n").trim()}\n\n${more}`,
    },
  );
}

/** Hints are Markdown of the simplest kind: paragraphs, fenced code, `code` in a line. */
function proseAndCode(text: string): { code: boolean; lines: string[] }[] {
  return text
    .split(/^```.*$/m)
    .map((part, i) => ({ code: i % 2 === 1, lines: part.replace(/^\n+|\n+$/g, "").split("\n") }))
    .filter((part) => part.lines.some(Boolean))
    .flatMap((part) => (part.code ? [part] : paragraphs(part.lines)));
}

const paragraphs = (all: string[]): { code: boolean; lines: string[] }[] =>
  all
    .join("\n")
    .split(/\n{2,}/)
    .map((one) => ({ code: false, lines: one.split("\n") }));
