import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cachePath } from "./paths";
import type { Session } from "./scope";
import { currentSession, ownerState } from "./session";

/**
 * Does something that only one process of this project may do at a time. A lock whose owner is dead is taken over;
 * one of another machine (a shared folder) is waited for like any other.
 */
export async function withLock<T>(name: string, act: () => Promise<T>): Promise<T> {
  const path = cachePath("locks", `${name}.lock`);
  mkdirSync(cachePath("locks"), { recursive: true });
  while (!tryLock(path)) {
    if (ownerIsDead(path)) rmSync(path, { force: true });
    else await new Promise((resolve) => setTimeout(resolve, 100));
  }
  try {
    return await act();
  } finally {
    rmSync(path, { force: true });
  }
}

function tryLock(path: string): boolean {
  try {
    writeFileSync(path, JSON.stringify(currentSession()), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function ownerIsDead(path: string): boolean {
  try {
    return ownerState(JSON.parse(readFileSync(path, "utf8")) as Session) === "dead";
  } catch {
    return isOld(path); // let go, being written, or left half written by a process that was killed
  }
}

function isOld(path: string): boolean {
  const written = statSync(path, { throwIfNoEntry: false });
  return written !== undefined && Date.now() - written.mtimeMs > 5_000;
}
