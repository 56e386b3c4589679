/** A piece of a lab that search finds: the words of a cell of prose, of code, or of a cell's outputs. */
export interface Section {
  readonly kind: "prose" | "code" | "output";
  readonly anchor: string;
  /** The heading it stands under. */
  readonly under: string;
  readonly text: string;
}

/** A lab's searchable text as the search page reads it: rows of kind, anchor, heading (by number) and text. */
export function searchFile(title: string, page: string, sections: readonly Section[]): string {
  const headings = [...new Set(sections.map((section) => section.under))];
  const rows = sections.map(({ kind, anchor, under, text }) => [kind[0], anchor, headings.indexOf(under), text]);
  return `${JSON.stringify({ title, page, headings, rows })}\n`;
}
