import type { MimeBundle } from "../views/view";

/** Where the launcher puts the kernel's own side for the helpers: they may be loaded from another copy of the package. */
export const HOOK = Symbol.for("mqtt-notebooks.kernel");

export interface DisplayOptions {
  /** Names the output, so that it can be replaced later. */
  readonly id?: string;
  /** Replaces the outputs with this id, in whatever cells they are. */
  readonly update?: boolean;
  /** By MIME type, as Jupyter's messages carry it. */
  readonly metadata?: Record<string, unknown>;
}

/** The cell that the caller's code belongs to. */
export interface CurrentCell {
  /** Id of the execute_request: unique over all kernels. */
  readonly id: string;
  /** The number in brackets beside the cell. */
  readonly executionCount: number;
}

/** A cell that does not compile. */
export interface UncompiledCell {
  readonly code: string;
  /** Its text with the types left out. */
  javaScript(): string;
  /** What cells have declared, by name. */
  readonly declared: Readonly<Record<string, unknown>>;
}

/** What is done in such a cell's place, its value that cell's value; undefined: its errors are shown. */
export type Rescue = (cell: UncompiledCell) => (() => Promise<unknown>) | undefined;

export interface KernelHook {
  readonly version: 1;
  publishDisplay(bundle: MimeBundle, options?: DisplayOptions): void;
  clearOutput(wait?: boolean): void;
  /** Returns a function that forgets the registration. */
  onExit(run: () => void | Promise<void>): () => void;
  currentCell(): CurrentCell | undefined;
  /**
   * Runs a function when the cell that the caller's code belongs to ends: while its output still reaches it, however it
   * ends. Returns a function that forgets the registration; undefined when that cell has ended already.
   */
  onCellEnd?(run: () => void): (() => void) | undefined;
  /** Asks `rescue` about each cell that does not compile. Returns a function that forgets the registration. */
  onUncompiled?(rescue: Rescue): () => void;
  /** How often a cell's JavaScript was terminated, since it heard no other interrupt. */
  terminations?(): number;
  /** Texts of the cells that ran in this kernel, oldest first; absent in kernels of an earlier edition. */
  ranCells?(): readonly string[];
}
