import { Addresses } from "./addresses";
import { codeCellHtml, questionIn } from "./cells";
import { escapeHtml, tag } from "./escape";
import type { Material, Solutions } from "./lesson";
import { type Heading, type Prose, readProse, type Surroundings } from "./markdown";
import type { Cell, Notebook } from "./notebook";
import { type Observation, observationsIn } from "./observations";
import { bestPicture } from "./picture";
import { noPieces, type Pieces } from "./pieces";
import { cellSections, proseSection } from "./search";
import type { Section } from "./search-file";
import { sentenceWith, statementsIn } from "./sentences";
import { placeOf } from "./site-map";

/** A notebook rendered, without the frame that all pages share. Plain data: it goes into the cache. */
export interface LabContent {
  readonly title: string;
  /** The first words of its text. */
  readonly lead: string;
  readonly html: string;
  readonly outline: readonly Heading[];
  readonly run: Notebook["run"];
  readonly words: number;
  readonly points: number;
  readonly exercises: number;
  readonly proofs: readonly Proof[];
  /** Topic id -> what the lab's card calls it. */
  readonly names: Readonly<Record<string, string>>;
  /** The numbers of the labs that it builds on, by its card. */
  readonly after: readonly number[];
  readonly terms: readonly Term[];
  readonly observations: readonly Observation[];
  /** A picture that can stand alone, for the front page, and how much it says. */
  readonly picture: { readonly svg: string; readonly worth: number } | undefined;
  /** Statement of the specification -> what the text says that it demands. */
  readonly statements: Readonly<Record<string, string>>;
  readonly sections: readonly Section[];
  readonly warnings: readonly string[];
}

/** A cell that proves a topic or a statement of the specification. */
export interface Proof {
  readonly id: string;
  readonly anchor: string;
  readonly number: number;
  /** The heading it stands under. */
  readonly under: string;
}

export interface Term {
  readonly term: string;
  readonly anchor: string;
  /** The sentence that teaches it, "" when no sentence of the cell has the word. */
  readonly says: string;
}

export interface LabSettings {
  readonly fallbackTitle: string;
  readonly solutions: Solutions;
  readonly material: Material;
  /** Notebook name without ending -> its page. */
  readonly pages: Readonly<Record<string, string>>;
  /** Cells that need not be rendered again; without it all are. */
  readonly pieces?: Pieces;
}

/** Renders a notebook's cells. Pure: the same notebook and settings give the same content. */
export function labContent(notebook: Notebook, settings: LabSettings): LabContent {
  return new LabPage(notebook, settings).content();
}

class LabPage {
  readonly #notebook: Notebook;
  readonly #settings: LabSettings;
  readonly #addresses = new Addresses();
  readonly #warnings: string[] = [];
  readonly #proofs: Proof[] = [];
  readonly #terms: Term[] = [];
  readonly #observations: Observation[] = [];
  readonly #sections: Section[] = [];
  #number = 0;
  #under = "";

  constructor(notebook: Notebook, settings: LabSettings) {
    this.#notebook = notebook;
    this.#settings = settings;
  }

  content(): LabContent {
    const { cells, run } = this.#notebook;
    if (run && !run.ok) this.#warnings.push("its run failed: what the page shows may not be so");
    const code = cells.filter((cell) => cell.kind === "code" && cell.source.trim());
    if (code.length && code.every((cell) => cell.count === undefined && !cell.outputs.length)) {
      this.#warnings.push("it has not been executed: no cell has an output (npm run course executes labs)");
    }
    const anchors = cells.map((cell) => this.#addresses.cell(cell.id));
    // All prose is read before any is written: links may point forward.
    const prose = cells.map((cell, i) =>
      cell.kind === "markdown" ? readProse(cell.source, this.#around(cell, i)) : undefined,
    );
    const headings = prose.flatMap((one) => one?.headings ?? []);
    const held = heldCells(cells);
    const html = cells.map((cell, i) => this.#cell(cell, i, anchors[i] as string, prose[i], held.has(i))).join("\n");
    const title = headings.find((heading) => heading.level === 1)?.text || headings[0]?.text;
    return {
      title: title || this.#settings.fallbackTitle,
      lead: leadOf(prose),
      html: title ? html : `<h1>${escapeHtml(this.#settings.fallbackTitle)}</h1>\n${html}`,
      outline: headings.filter((heading) => heading.level === 2 || heading.level === 3),
      run: this.#notebook.run,
      words: cells
        .filter((cell) => cell.kind === "markdown")
        .reduce((sum, cell) => sum + (cell.source.match(/\S+/g)?.length ?? 0), 0),
      points: cells.reduce((sum, cell) => sum + (cell.graded?.grade ? (cell.graded.points ?? 0) : 0), 0),
      exercises: cells.filter((cell) => cell.graded?.grade).length,
      proofs: this.#proofs,
      names: topicNames(cells),
      after: labsBefore(cells),
      terms: this.#terms,
      observations: this.#observations,
      picture: bestPicture(html),
      statements: Object.assign({}, ...prose.map((one) => statementsIn(one?.blocks ?? [])).reverse()),
      sections: this.#sections,
      warnings: this.#warnings,
    };
  }

  #around(cell: Cell, i: number): Surroundings {
    return {
      addresses: this.#addresses,
      page: (name) => (Object.hasOwn(this.#settings.pages, name) ? this.#settings.pages[name] : undefined),
      attachment: (name) => attachment(cell, name),
      warn: (what) => this.#warnings.push(`cell ${i + 1} (${cell.id}): ${what}`),
    };
  }

  #cell(cell: Cell, i: number, anchor: string, prose: Prose | undefined, held: boolean): string {
    const around = this.#around(cell, i);
    this.#terms.push(...cell.terms.map((term) => ({ term, anchor, says: sentenceWith(term, prose?.blocks ?? []) })));
    try {
      if (prose) {
        this.#under = prose.headings.at(-1)?.text ?? this.#under;
        this.#sections.push(...proseSection(prose, anchor, this.#under));
        return tag("div", { class: "prose", id: anchor }, `\n${prose.html()}`);
      }
      if (cell.kind === "raw")
        return cell.source.trim() ? tag("pre", { class: "plain", id: anchor }, escapeHtml(cell.source)) : "";
      return this.#code(cell, anchor, held, around);
    } catch (error) {
      around.warn(`it cannot be shown: ${(error as Error).message}`);
      return tag("div", { class: "cell", id: anchor }, '<p class="missing">This cell could not be shown.</p>');
    }
  }

  #code(cell: Cell, anchor: string, held: boolean, around: Surroundings): string {
    const number = ++this.#number;
    const { language } = this.#notebook;
    const { material, solutions, pieces = noPieces } = this.#settings;
    const beside = [material.stubs?.[cell.id], material.hints[cell.id], material.others[cell.id]];
    const inputs = [JSON.stringify([cell, beside]), anchor, String(number), language, solutions, String(held)];
    const html = pieces.get(inputs, () => {
      const { watched, touched } = watch(around);
      const place = { anchor, number, language, material, solutions, held, around: watched, topic: placeOf };
      const made = codeCellHtml(cell, place);
      return { html: made, alone: !touched() };
    });
    if (!html) return "";
    this.#sections.push(...cellSections(cell, anchor, this.#under, this.#settings));
    this.#proofs.push(...cell.proves.map((id) => ({ id, anchor, number, under: this.#under })));
    this.#observations.push(...observationsIn(cell.outputs, anchor));
    return html;
  }
}

/** Surroundings that tell whether they were made use of: what was rendered with them depends on other cells and pages. */
function watch(around: Surroundings): { watched: Surroundings; touched(): boolean } {
  let used = false;
  const noted = <T>(value: T): T => {
    used = true;
    return value;
  };
  return {
    watched: {
      get addresses() {
        return noted(around.addresses);
      },
      page: (name) => noted(around.page(name)),
      attachment: (name) => noted(around.attachment(name)),
      warn: (what) => noted(around.warn(what)),
    },
    touched: () => used,
  };
}

const leadOf = (prose: readonly (Prose | undefined)[]): string => {
  const lead = prose.map((one) => one?.lead ?? "").find((text) => text.length > 40) ?? "";
  return lead.length > 300 ? `${lead.slice(0, 299).replace(/\s+\S*$/, "")} …` : lead;
};

/** "Before this | labs 1 and 2" in the card. */
function labsBefore(cells: readonly Cell[]): number[] {
  const row = /\|\s*Before this\s*\|([^|\n]*)\|/.exec(
    cells.find((cell) => cell.kind === "markdown")?.source ?? "",
  )?.[1];
  const numbers = [...(row ?? "").matchAll(/labs? (\d+(?:(?:, (?:and )?| and | to )\d+)*)/gi)].flatMap(
    ([, list]) => list?.match(/\d+/g) ?? [],
  );
  return [...new Set(numbers.map(Number))];
}

/** "L1.1 mosquitto.conf · L1.2 running it" in the card, which is the first cell. */
function topicNames(cells: readonly Cell[]): Record<string, string> {
  const card = cells.find((cell) => cell.kind === "markdown")?.source.slice(0, 5_000) ?? "";
  const found = card.matchAll(/\b([LS]\d{1,2}\.\d{1,2}) ([^·|\n]{2,120})/g);
  return Object.fromEntries(
    [...found].map(([, id, name]) => [id as string, (name as string).replace(/`/g, "").trim()]),
  );
}

/** From a question to its answer, outputs wait for the reader's forecast. */
function heldCells(cells: readonly Cell[]): Set<number> {
  const held = new Set<number>();
  cells.forEach((cell, from) => {
    const id = cell.outputs.map((output) => questionIn(output, "predict")?.id).find((one) => one !== undefined);
    if (id === undefined) return;
    const to = cells.findIndex(
      (later, i) => i > from && later.outputs.some((output) => questionIn(output, "reveal")?.id === id),
    );
    for (let i = from + 1; i <= to; i++) held.add(i);
  });
  return held;
}

function attachment(cell: Cell, name: string): string | undefined {
  const bundle = Object.hasOwn(cell.attachments, name) ? cell.attachments[name] : undefined;
  for (const mime of ["image/png", "image/jpeg", "image/gif", "image/webp"]) {
    const data = bundle?.[mime]?.replace(/\s+/g, "");
    if (data && /^[A-Za-z0-9+/]+={0,2}$/.test(data)) return `data:${mime};base64,${data}`;
  }
  return undefined;
}
