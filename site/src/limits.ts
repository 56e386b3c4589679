/** What one part of a page may weigh, in characters of its source. More is cut, and the page says so. */
export const limits = {
  /** A text output or traceback. */
  text: 100_000,
  /** A code cell, or a fence in prose; above `highlight` it is shown without colours. */
  code: 400_000,
  highlight: 100_000,
  /** A cell of prose; above it is shown as plain text. */
  markdown: 200_000,
  /** HTML and SVG of an output, before they are sanitised; above it the output's next form is shown. */
  markup: 1_000_000,
  /** An image, as base64. */
  image: 4_000_000,
  /** A view's data as JSON. */
  view: 2_000_000,
  /** Outputs of one cell. */
  outputs: 200,
  /** A notebook's file, in bytes. */
  file: 60_000_000,
} as const;
