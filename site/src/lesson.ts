/** What stands beside a lab: the learner's starting points, hints and other answers. */
export interface Material {
  /** Cell id -> the source as the learner finds it. Undefined where there is no pristine notebook. */
  readonly stubs: Readonly<Record<string, string>> | undefined;
  /** Cell id -> the steps of its hints, Markdown. */
  readonly hints: Readonly<Record<string, readonly string[]>>;
  /** Cell id -> a right answer of another shape. */
  readonly others: Readonly<Record<string, string>>;
}

export const nothingBeside: Material = { stubs: undefined, hints: {}, others: {} };

/** Whether solutions are on the page, folded, or left out of it. */
export type Solutions = "collapsed" | "hidden";
