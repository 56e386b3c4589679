/** One set-up at a time in a folder: the second waits for the first, and takes over from one that died. */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cache } from "./folders.mjs";

const file = join(cache, "setup.lock");

/** Runs `work` with the lock held. @param {(text: string) => void} tell called once when it has to wait. */
export async function withLock(tell, work) {
  mkdirSync(cache, { recursive: true });
  for (let told = false; !tryLock(); told = true) {
    if (!told) tell(`another set-up is at work in this folder (process ${owner()?.pid ?? "unknown"}); waiting for it`);
    await sleep(100);
  }
  const unlock = () => rmSync(file, { force: true });
  process.once("exit", unlock);
  try {
    return await work();
  } finally {
    process.off("exit", unlock);
    unlock();
  }
}

function tryLock() {
  try {
    writeFileSync(file, JSON.stringify({ pid: process.pid, host: hostname(), since: Date.now() }), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  if (isStale()) removeStale();
  return false;
}

function owner() {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // gone by now, or not yet written
  }
}

function isStale() {
  const held = owner();
  if (!held) {
    try {
      return Date.now() - statSync(file).mtimeMs > 5_000;
    } catch {
      return false;
    }
  }
  if (held.host !== hostname()) return Date.now() - held.since > 3_600_000; // a shared folder: its process can't be asked
  try {
    process.kill(held.pid, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

/** Two waiters may find the same lock stale: only the one whose rename takes that very lock away may go on. */
function removeStale() {
  const aside = `${file}.${process.pid}`;
  const before = owner();
  try {
    renameSync(file, aside);
    const taken = JSON.parse(readFileSync(aside, "utf8"));
    if (before && taken.pid !== before.pid)
      renameSync(aside, file); // a fresh one: back with it
    else rmSync(aside, { force: true });
  } catch {
    rmSync(aside, { force: true });
  }
}
