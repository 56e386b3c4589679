/** Run as a process of its own by ./watch: reads orders until its standard input ends, then ends what it holds. */
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Held } from "../core/scope";
import { processStarted } from "../core/session";
import type { WatchOrder } from "./watch";

const holding = new Map<number, Held>();

// Only the end of the pipe ends this process: a terminal's Ctrl-C or a logout must not take the cleaner first.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGPIPE"] as const) process.on(signal, () => {});

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const order = parse(line);
  if (!order) return;
  if ("hold" in order) holding.set(order.hold, order.held);
  else holding.delete(order.drop);
});
lines.on("close", () => void cleanUp());

/** A kernel that is killed while it writes leaves half a line: what it had not said yet is left to the next sweep. */
function parse(line: string): WatchOrder | null {
  try {
    return JSON.parse(line) as WatchOrder;
  } catch {
    return null;
  }
}

async function cleanUp(): Promise<void> {
  const all = [...holding.values()];
  for (const held of all) if (held.kind === "process") endProcess(held.pid, held.started);
  const engines = all.filter((held) => held.kind === "containers");
  await Promise.allSettled(engines.map((held) => removeContainers(held.engine, held.session)));
  for (const held of all)
    if (held.kind === "folder") rmSync(held.path, { recursive: true, force: true, maxRetries: 3 });
  process.exit(0);
}

/** Never a process that merely has the same number: its start has to be the one that was recorded. */
function endProcess(pid: number, started: string): void {
  if (processStarted(pid) !== started) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // ended in between
  }
}

async function removeContainers(engine: unknown, session: string): Promise<void> {
  const { removeSession } = await import("../brokers/docker/cleanup");
  await removeSession(engine, session);
}
