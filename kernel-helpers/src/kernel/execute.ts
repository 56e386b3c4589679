import { type ExecuteResult, KernelClient, type LateError, type Output } from "./client";

/** As much of a notebook (nbformat 4) as running it needs. */
export interface RunnableNotebook {
  cells: RunnableCell[];
}

export interface RunnableCell {
  cell_type: string;
  source: string | string[];
  id?: string;
  metadata?: { tags?: string[] };
  outputs?: unknown[];
  execution_count?: number | null;
}

export interface ExecuteNotebookOptions {
  /** The folder that the cells' imports are resolved from. Default: the current one. */
  readonly cwd?: string;
  /** Milliseconds a cell; default 120,000. A cell that takes longer is interrupted and has failed. */
  readonly timeoutPerCell?: number;
  /** Go on after a cell that failed; default false. The tag raises-exception allows it for one cell. */
  readonly allowErrors?: boolean;
  /** After each cell that ran. */
  readonly onCell?: (result: CellResult) => void;
  readonly kernelEnv?: NodeJS.ProcessEnv;
  /** Ends the run: the kernel is killed and the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** One cell's run. */
export interface CellResult {
  /** Its place among all cells of the notebook, from 0. */
  readonly index: number;
  readonly id?: string;
  readonly status: ExecuteResult["status"];
  readonly error?: ExecuteResult["error"];
  /** Errors that nothing caught, such as throws in timers: a cell may be ok and still have some. */
  readonly lateErrors: readonly LateError[];
  /** It failed and may, by its tag or by allowErrors. */
  readonly allowed: boolean;
  readonly timedOut: boolean;
  readonly seconds: number;
}

export interface ExecutedNotebook<Notebook> {
  /** A copy with outputs and execution counts; cells that didn't run have neither. */
  readonly notebook: Notebook;
  readonly cells: readonly CellResult[];
  /** No cell failed that may not. */
  readonly ok: boolean;
}

const DEFAULT_TIMEOUT = 120_000;

/**
 * Runs a notebook's code cells from top to bottom in a kernel of its own and stops at the first that fails.
 * @throws LabError when the kernel can't start or dies; the reason of `signal`. The kernel is gone in any case.
 */
export async function executeNotebook<Notebook extends RunnableNotebook>(
  notebook: Notebook,
  options: ExecuteNotebookOptions = {},
): Promise<ExecutedNotebook<Notebook>> {
  options.signal?.throwIfAborted();
  const executed = structuredClone(notebook);
  for (const cell of executed.cells) if (cell.cell_type === "code") clear(cell);
  const kernel = await KernelClient.start({ cwd: options.cwd, env: options.kernelEnv });
  const abort = (): void => void kernel.kill();
  options.signal?.addEventListener("abort", abort);
  try {
    const cells = await runCells(kernel, executed.cells, options);
    // Here already: what the kernel's cleanup still writes belongs to the outputs.
    await kernel.shutdown();
    return { notebook: executed, cells, ok: cells.every((cell) => cell.status === "ok" || cell.allowed) };
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", abort);
    await kernel.shutdown();
  }
}

async function runCells(
  kernel: KernelClient,
  cells: readonly RunnableCell[],
  options: ExecuteNotebookOptions,
): Promise<CellResult[]> {
  const results: CellResult[] = [];
  for (const [index, cell] of cells.entries()) {
    const code = Array.isArray(cell.source) ? cell.source.join("") : cell.source;
    if (cell.cell_type !== "code" || code.trim() === "") continue;
    const mayFail = options.allowErrors === true || (cell.metadata?.tags?.includes("raises-exception") ?? false);
    const started = performance.now();
    const timeout = options.timeoutPerCell ?? DEFAULT_TIMEOUT;
    const run = await kernel.execute(code, { timeout, stopOnError: !mayFail });
    cell.outputs = run.outputs satisfies Output[];
    cell.execution_count = run.executionCount;
    const result: CellResult = {
      index,
      id: cell.id,
      status: run.status,
      error: run.error,
      lateErrors: run.lateErrors,
      allowed: run.status === "error" && mayFail && !run.timedOut,
      timedOut: run.timedOut,
      seconds: (performance.now() - started) / 1000,
    };
    results.push(result);
    options.onCell?.(result);
    if (result.status !== "ok" && !result.allowed) break;
  }
  return results;
}

function clear(cell: RunnableCell): void {
  cell.outputs = [];
  cell.execution_count = null;
}
