/** Finds what kernels of this project left in its cache: folders, and processes that the folders name. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cachePath } from "../core/paths";
import type { Session } from "../core/scope";
import { currentSession, ownerState, processStarted } from "../core/session";

/** What a local broker leaves beside its files, so that it can be ended by a process that never knew it. */
export const PROCESS_RECORD = "process.json";

/** Whether this project has the record of that session: then it was a kernel of ours that lost its machine. */
export function hasRecord(owner: Session): boolean {
  return readRecord(cachePath("sessions", owner.id))?.boot === owner.boot;
}

/**
 * Ends the processes and removes the folders of sessions whose kernel is gone; of this user and machine only.
 * @param options.containersGone sessions that had containers are swept too: their containers were looked for.
 */
export function sweepFolders(options: { containersGone: boolean }): string[] {
  const removed: string[] = [];
  for (const name of list(cachePath("sessions"))) {
    const home = cachePath("sessions", name);
    const owner = readRecord(home);
    if (!owner || owner.id !== name || ownerState(owner) !== "dead") continue;
    if (owner.boot === currentSession().boot) removed.push(...endProcesses(home));
    if (existsSync(join(home, "containers")) && !options.containersGone) continue;
    rmSync(home, { recursive: true, force: true, maxRetries: 3 });
    removed.push(`folder of kernel ${owner.pid}`);
  }
  return removed;
}

function endProcesses(home: string): string[] {
  const ended: string[] = [];
  for (const scope of list(home)) {
    for (const broker of list(join(home, scope))) {
      const record = readJson(join(home, scope, broker, PROCESS_RECORD)) as { pid?: number; started?: string } | null;
      if (!record?.pid || !record.started || processStarted(record.pid) !== record.started) continue;
      process.kill(record.pid, "SIGKILL");
      ended.push(`process ${record.pid} (${broker})`);
    }
  }
  return ended;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // no folder: nothing was left there
  }
}

const readRecord = (home: string): Session | null => readJson(join(home, "session.json")) as Session | null;

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null; // absent or half written: nothing is known, so nothing is touched
  }
}
