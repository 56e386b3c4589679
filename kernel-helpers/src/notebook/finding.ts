import type { Cell } from "./model";

/** What a rule of the course found in a notebook. */
export interface Finding {
  /** Slug: "01-environment". */
  readonly notebook: string;
  /** The cell's id, or "" for the notebook as a whole. */
  readonly cell: string;
  readonly rule: Rule;
  readonly message: string;
  /** Warnings are told and turn nothing red. */
  readonly level: "error" | "warning";
}

export type Rule =
  | "id"
  | "metadata"
  | "tags"
  | "proves"
  | "length"
  | "outputs"
  | "kernel"
  | "order"
  | "words"
  | "prose"
  | "link"
  | "check"
  | "sleep"
  | "exercise"
  | "format"
  | "type";

/** A finding before it knows its notebook. */
export type Found = Omit<Finding, "notebook" | "level"> & { readonly level?: Finding["level"] };

export const found = (cell: Cell | "", rule: Rule, message: string, level?: Finding["level"]): Found => ({
  cell: cell === "" ? "" : cell.id,
  rule,
  message,
  level,
});

/** The course's other files, by path from notebooks/ with forward slashes. */
export interface CourseFiles {
  has(path: string): boolean;
  read(path: string): string | undefined;
  /** Names in a folder; empty where there is none. */
  list(folder: string): readonly string[];
}
