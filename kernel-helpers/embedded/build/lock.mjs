/** One build at a time: two kernels, or a test run beside a kernel, may ask for it at once. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function holder(path) {
  try {
    return Number.parseInt(readFileSync(path, "utf8"), 10);
  } catch (error) {
    if (error.code === "ENOENT") return 0;
    throw error;
  }
}

function taken(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Runs `work` while no other process does.
 *
 * @template T
 * @param {string} path the lock's file
 * @param {(line: string) => void} progress
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(path, progress, work) {
  mkdirSync(dirname(path), { recursive: true });
  for (let told = false; !taken(path); ) {
    const pid = holder(path);
    // An empty file is one that is being written just now; a holder that died leaves its number behind.
    if (pid > 0 && !alive(pid)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!told) progress(`waiting for another build (process ${pid || "unknown"})`);
    told = true;
    await sleep(200);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}
