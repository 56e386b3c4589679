import { prose } from "./course";
import { type CourseFiles, type Found, found } from "./finding";
import { type Cell, type Notebook, parseNotebook, sourceOf } from "./model";

const FILLER = /\b(simply|just|obviously)\b/gi;

/** Rules about text: words that explain nothing, exclamation marks, emoji, links that lead nowhere. */
export function lintProse(notebook: Notebook, files: CourseFiles): Found[] {
  const here = anchors(notebook);
  return notebook.cells
    .filter((cell) => cell.cell_type === "markdown")
    .flatMap((cell) => [...words(cell), ...links(cell, here, files)]);
}

function words(cell: Cell): Found[] {
  const text = prose(sourceOf(cell));
  const filler = [...new Set([...text.matchAll(FILLER)].map((match) => match[0].toLowerCase()))];
  return [
    ...filler.map((word) => found(cell, "prose", `"${word}" explains nothing`)),
    ...(/!(?![[=])/.test(text) ? [found(cell, "prose", "an exclamation mark outside code")] : []),
    ...(/\p{Emoji_Presentation}|\ufe0f/u.test(text) ? [found(cell, "prose", "an emoji in prose")] : []),
  ];
}

function links(cell: Cell, here: ReadonlySet<string>, files: CourseFiles): Found[] {
  const source = sourceOf(cell)
    .replace(/^(```|~~~)[^\n]*\n[\s\S]*?^\1.*$/gm, "")
    .replace(/(`+)[^`][\s\S]*?\1/g, "");
  const targets = [
    ...source.matchAll(/\]\(\s*<?([^\s)>]+)>?[^)]*\)/g),
    ...source.matchAll(/^\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)/gm),
  ];
  return targets.flatMap((match) => {
    const why = broken(match[1] ?? "", here, files);
    return why ? [found(cell, "link", `${match[1]}: ${why}`)] : [];
  });
}

function broken(target: string, here: ReadonlySet<string>, files: CourseFiles): string | undefined {
  if (/^(https:|mailto:|attachment:)/.test(target)) return undefined;
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return "only https links leave the course";
  const [path = "", anchor] = safeDecode(target).split("#");
  if (path === "") return here.has(anchor ?? "") ? undefined : "no heading of this notebook has this anchor";
  const file = normal(path);
  if (file === undefined) return "it leads out of the course";
  if (!files.has(file)) return "there is no such file";
  if (anchor === undefined || !file.endsWith(".ipynb")) return undefined;
  const other = files.read(file);
  return other !== undefined && anchors(parseNotebook(other, file)).has(anchor)
    ? undefined
    : "that notebook has no such heading";
}

function safeDecode(target: string): string {
  try {
    return decodeURIComponent(target);
  } catch {
    return target; // a lone percent sign: the path is taken as it stands
  }
}

/** The path from notebooks/, without dots; undefined when it climbs out or is absolute. */
function normal(path: string): string | undefined {
  if (path.startsWith("/")) return undefined;
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return undefined;
    } else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/");
}

/** Headings as JupyterLab names them: the text with hyphens for spaces. */
function anchors(notebook: Notebook): Set<string> {
  const all = new Set<string>();
  for (const cell of notebook.cells) {
    if (cell.cell_type !== "markdown") continue;
    for (const [, text = ""] of sourceOf(cell).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
      all.add(text.replace(/[`*_]/g, "").replace(/\s+/g, "-"));
    }
  }
  return all;
}
