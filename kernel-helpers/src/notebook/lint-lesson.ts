import { prose, titleOf, wordsOf } from "./course";
import { type Found, found } from "./finding";
import { type Cell, isCode, isGraded, isSolution, type Notebook, sourceOf, tagsOf } from "./model";

const WORDS = { least: 1600, most: 2000 };
const CODE = { least: 25, most: 45 };

/** Rules about the lesson as a whole: its size and the order of its parts. */
export function lintLesson(notebook: Notebook): Found[] {
  return [...size(notebook), ...opening(notebook), ...order(notebook), ...closing(notebook)];
}

function size(notebook: Notebook): Found[] {
  const words = wordsOf(notebook);
  const code = notebook.cells.filter(isCode).length;
  const all: Found[] = [];
  if (words < WORDS.least || words > WORDS.most) {
    all.push(found("", "words", `${words} words of prose; a lab has ${WORDS.least} to ${WORDS.most}`));
  }
  if (code < CODE.least || code > CODE.most) {
    all.push(found("", "words", `${code} code cells; a lab has ${CODE.least} to ${CODE.most}`));
  }
  return all;
}

/** The card comes first, under the only H1; then the question, with the outcomes; then the lab opens. */
function opening(notebook: Notebook): Found[] {
  const [card] = notebook.cells;
  const all: Found[] = [];
  if (!titleOf(notebook)) all.push(found("", "order", "there is no H1"));
  if (card?.cell_type !== "markdown" || !/^#\s/.test(sourceOf(card))) {
    all.push(found(card ?? "", "order", "the first cell is the card, under the notebook's H1"));
  } else if (!/\bmin(utes)?\b/.test(sourceOf(card))) {
    all.push(found(card, "order", "the card says how many minutes the lab takes"));
  }
  const titles = notebook.cells.filter((cell) => !isCode(cell) && /^#\s/m.test(prose(sourceOf(cell))));
  for (const second of titles.slice(1)) all.push(found(second, "order", "a second H1; sections begin with ##"));
  const first = notebook.cells.find(isCode);
  if (first && !tagsOf(first).includes("setup"))
    all.push(found(first, "order", 'the first code cell opens the lab: tag "setup"'));
  return all;
}

/** set-up < prediction < exercises < drill < teardown, each exercise with its check before the next one. */
function order(notebook: Notebook): Found[] {
  const first = (tag: string) => notebook.cells.findIndex((cell) => tagsOf(cell).includes(tag));
  const places = ["setup", "predict", "exercise", "drill", "teardown"].map((tag) => ({ tag, at: first(tag) }));
  const all: Found[] = places
    .filter(({ at }) => at < 0)
    .map(({ tag }) => found("", "order", `no cell has the tag "${tag}"`));
  const there = places.filter(({ at }) => at >= 0);
  for (const [i, place] of there.entries()) {
    const next = there[i + 1];
    if (next && place.at > next.at) {
      all.push(found(notebook.cells[next.at] as Cell, "order", `"${next.tag}" comes before the first "${place.tag}"`));
    }
  }
  let open: Cell | undefined;
  for (const cell of notebook.cells) {
    if (isGraded(cell)) open = undefined;
    else if (isSolution(cell) && tagsOf(cell).includes("exercise")) {
      if (open) all.push(found(open, "order", "the next exercise begins before this one is checked"));
      open = cell;
    }
  }
  if (open) all.push(found(open, "order", "no check follows this exercise"));
  return all;
}

function closing(notebook: Notebook): Found[] {
  const all: Found[] = [];
  const heads = notebook.cells.flatMap((cell, at) =>
    cell.cell_type === "markdown"
      ? [...sourceOf(cell).matchAll(/^##+\s+(.+)$/gm)].map((head) => ({ at, text: head[1] ?? "" }))
      : [],
  );
  const key = heads.find((head) => /key points/i.test(head.text));
  if (!key) all.push(found("", "order", 'there is no section "Key points"'));
  if (!heads.some((head) => /own words/i.test(head.text))) {
    all.push(found("", "order", 'there is no section "In your own words", where the learner sums up'));
  }
  const code = notebook.cells.filter(isCode);
  const last = code.at(-1);
  const end = last && tagsOf(last).includes("teardown") ? last : code.find((cell) => tagsOf(cell).includes("teardown"));
  if (end && !/\.close\(/.test(sourceOf(end)))
    all.push(found(end, "order", "the teardown closes the lab: await lab.close()"));
  return all;
}
