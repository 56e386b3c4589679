import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { cachePath, courseRoot } from "../../core/paths";
import { type ExecuteResult, KernelClient } from "../../kernel/client";
import { executeNotebook } from "../../kernel/execute";
import type { Row } from "./row";

/** Runs of each measurement; the median counts, for the machine does other things too. */
const RUNS = 5;
/** Of the whole of a run of ten cells, spawn to exit, in seconds. */
const TEN_CELLS_AIM = 2.5;
/** From spawn to the end of the first cell that imports the helpers, in milliseconds. */
const FIRST_CELL_AIM = 1_300;

const IMPORT = 'import { openLab } from "kernel-helpers";\ntypeof openLab';

/** One start: what it took, in ms. */
interface Start {
  /** Spawn until the kernel answers on all channels. */
  readonly answers: number;
  /** Spawn until the end of the first cell, which imports the helpers. */
  readonly first: number;
  /** The next cell, which finds everything loaded. */
  readonly second: number;
  /** CPU time of the kernel's process until then; undefined where the system doesn't tell. */
  readonly cpu?: number;
}

/** How fast the kernel starts, part by part, beside stock tslab in the same run, and how fast a notebook of ten cells runs. */
export async function benchKernel(): Promise<Row[]> {
  const folder = mkdtempSync(join(cachePath(), "bench-kernel-"));
  try {
    // One start unmeasured, so that the files are in the system's cache for all alike.
    await start(folder);
    const mine: Start[] = [];
    const stock: Start[] = [];
    // In turns, for what else the machine does to meet both.
    for (let run = 0; run < RUNS; run++) {
      mine.push(await start(folder));
      stock.push(await start(folder, stockTslab()));
    }
    return [...rowsOf("kernel", mine, FIRST_CELL_AIM), ...rowsOf("stock tslab", stock), ...(await tenCells(folder))];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function stockTslab(): string[] {
  const folder = dirname(createRequire(join(courseRoot, "package.json")).resolve("tslab/package.json"));
  return [process.execPath, join(folder, "bin", "tslab"), "kernel", "--config-path", "{connection_file}"];
}

async function start(cwd: string, argv?: string[]): Promise<Start> {
  const spawned = performance.now();
  const since = (from: number): number => performance.now() - from;
  const kernel = await KernelClient.start({ cwd, argv });
  try {
    const answers = since(spawned);
    demandOk(await kernel.execute(IMPORT));
    const first = since(spawned);
    const cpu = cpuTime(kernel.pid);
    const next = performance.now();
    demandOk(await kernel.execute("const one = 1;\none + 1"));
    return { answers, first, second: since(next), cpu };
  } finally {
    await kernel.shutdown();
  }
}

function demandOk(result: ExecuteResult): void {
  if (result.status !== "ok") throw new Error(`the bench's cell failed: ${JSON.stringify(result.outputs)}`);
}

/** User and system time of a process in ms, from /proc; its ticks are hundredths of a second. */
function cpuTime(pid: number | undefined): number | undefined {
  if (process.platform !== "linux" || pid === undefined) return undefined;
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function rowsOf(name: string, starts: readonly Start[], aim?: number): Row[] {
  const row = (what: string, pick: (start: Start) => number | undefined, limit?: number): Row[] => {
    const values = starts.map(pick).filter((value) => value !== undefined);
    return values.length
      ? [{ name: `${name}: ${what}`, value: Math.round(median(values)), unit: "ms", aim: limit }]
      : [];
  };
  return [
    ...row("spawn to the end of the first cell, which imports the helpers", ({ first }) => first, aim),
    ...row("spawn until it answers", ({ answers }) => answers),
    ...row("that first cell, compiler's start included", ({ first, answers }) => first - answers),
    ...row("the next cell", ({ second }) => second),
    ...row("CPU time up to the first cell's end", ({ cpu }) => cpu),
  ];
}

async function tenCells(cwd: string): Promise<Row[]> {
  const sources = [
    IMPORT,
    ...Array.from({ length: 9 }, (_, n) => `const value${n} = await Promise.resolve(${n});\nvalue${n} + 1`),
  ];
  const notebook = { cells: sources.map((source) => ({ cell_type: "code", source })) };
  const seconds: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const started = performance.now();
    const { ok } = await executeNotebook(notebook, { cwd });
    if (!ok) throw new Error("the bench's notebook failed");
    seconds.push((performance.now() - started) / 1000);
  }
  return [
    { name: "a notebook of ten cells, spawn to exit", value: round(median(seconds)), unit: "s", aim: TEN_CELLS_AIM },
  ];
}

const round = (value: number): number => Math.round(value * 100) / 100;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
