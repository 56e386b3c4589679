/** Processes that a learner's kernel has started, also those that left its group. Linux only; elsewhere none are seen. */
import { readdirSync, readFileSync } from "node:fs";

const PAGE = 4096;

/** All that descend from a process, and all that carry the mark in their environment, itself included. */
export function family(pid: number, mark: string): number[] {
  if (process.platform !== "linux") return [];
  const parents = new Map<number, number>();
  const found = new Set<number>();
  for (const name of readdirSync("/proc")) {
    const one = Number(name);
    if (!Number.isInteger(one) || one === process.pid) continue;
    const parent = parentOf(one);
    if (parent !== undefined) parents.set(one, parent);
    if (one === pid || marked(one, mark)) found.add(one);
  }
  for (let grown = true; grown; ) {
    grown = false;
    for (const [one, parent] of parents) {
      if (found.has(one) || !found.has(parent)) continue;
      found.add(one);
      grown = true;
    }
  }
  return [...found];
}

/** Bytes of memory that these hold together. */
export function memoryOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + Number(read(`/proc/${pid}/statm`)?.split(" ")[1] ?? 0) * PAGE, 0);
}

function parentOf(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // The command's name stands in brackets and may itself hold brackets and spaces.
  return stat ? Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) : undefined;
}

function marked(pid: number, mark: string): boolean {
  return read(`/proc/${pid}/environ`)?.split("\0").includes(mark) ?? false;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined; // ended meanwhile, or another user's
  }
}
