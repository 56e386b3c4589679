import { spokenImage } from "./image";

/** A MIME bundle as Jupyter's messages carry it: MIME type to text, or to JSON for types that end in json. */
export type MimeBundle = Record<string, unknown>;

/** The MIME type under which a view's own data travels, so that the site can draw it again. */
export const VIEW_MIME = "application/vnd.mqtt-notebooks.view+json";

/** What a view's data looks like in a notebook file. A change of `data`'s shape raises `version`. */
export interface ViewData<Kind extends string = string, Data = unknown> {
  readonly version: 1;
  readonly kind: Kind;
  readonly data: Data;
}

/**
 * A picture or table: its data, and what was drawn from it.
 *
 * `picture` is an SVG document or an HTML fragment (by `as`); `text` says the same for a terminal or a screen reader.
 */
export interface View<Kind extends string = string, Data = unknown> extends ViewData<Kind, Data> {
  readonly as: "svg" | "html";
  readonly picture: string;
  readonly text: string;
}

/** Makes a View that Jupyter (through the kernel) and the terminal (through util.inspect) know how to show. */
export function view<Kind extends string, Data>(
  kind: Kind,
  data: Data,
  drawn: { as: "svg" | "html"; picture: string; text: string },
): View<Kind, Data> {
  const made: View<Kind, Data> = { version: 1, kind, data, ...drawn };
  // Not enumerable: a view that is saved or compared is its data only.
  Object.defineProperty(made, Symbol.for("Jupyter.display"), { value: () => bundle(made) });
  Object.defineProperty(made, Symbol.for("nodejs.util.inspect.custom"), { value: () => made.text });
  return made;
}

/**
 * The output of a view: its data, its picture and its text. An SVG also goes as HTML, which is what Jupyter's pages
 * prefer: there it has words for a screen reader. The SVG itself is for programs that take pictures out of notebooks.
 */
export function bundle(made: View): MimeBundle {
  const { as, picture, text } = made;
  return {
    [VIEW_MIME]: { version: made.version, kind: made.kind, data: made.data },
    ...(as === "svg"
      ? { "text/html": spokenImage(picture, text), "image/svg+xml": picture }
      : { "text/html": picture }),
    "text/plain": text,
  };
}
