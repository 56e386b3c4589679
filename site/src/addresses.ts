/** Which ids a page has, and where links inside the course lead. */
export class Addresses {
  readonly #taken = new Set<string>(RESERVED);
  readonly #slugs = new Map<string, string>();

  /** A page's own id for a heading: the same words always give the same slug; the second of a kind gets a number. */
  heading(words: string): string {
    const plain = slug(words);
    const id = this.#unique(plain);
    if (!this.#slugs.has(plain)) this.#slugs.set(plain, id);
    return id;
  }

  cell(id: string): string {
    return this.#unique(`cell-${id}`);
  }

  #unique(wanted: string): string {
    let id = wanted;
    for (let n = 2; this.#taken.has(id); n++) id = `${wanted}-${n}`;
    this.#taken.add(id);
    return id;
  }

  /** The id that a link's fragment means: ours, JupyterLab's (`#Two-doors`, `#cell-id=first`) or a bare cell id. */
  find(fragment: string): string | undefined {
    const said = decoded(fragment);
    const candidates = [
      said,
      `cell-${said.replace(/^cell-id=/, "")}`,
      this.#slugs.get(slug(said.replaceAll("-", " "))),
    ];
    return candidates.find((id): id is string => id !== undefined && this.#taken.has(id) && !RESERVED.has(id));
  }
}

/** Ids of the page's own frame, and names that a script might look up on a document. */
export const RESERVED: ReadonlySet<string> = new Set([
  "top",
  "content",
  "outline",
  "search",
  "search-words",
  "search-says",
  "search-found",
  "theme-auto",
  "theme-light",
  "theme-dark",
]);

/** The id on another page that a link's fragment means, as far as can be told from here. */
export function fragmentOf(fragment: string): string {
  const said = decoded(fragment);
  return said.startsWith("cell-id=") ? `cell-${said.slice(8)}` : slug(said.replaceAll("-", " "));
}

/** "Two doors: TCP and WebSocket" -> "two-doors-tcp-and-websocket". */
export function slug(words: string): string {
  const plain = words
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/[\s_]+/g, "-")
    .replace(/-{2,}/g, "-")
    .slice(0, 80)
    .replace(/^-+|-+$/g, "");
  return plain || "section";
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
