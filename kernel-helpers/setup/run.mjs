/** Runs a program for a step: output to a log file, its last lines kept for the message when it fails. */
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { cache, courseEnv, root } from "./folders.mjs";

const running = new Set();
let stopped = false;

/** Ends what is running and lets nothing else start: called at SIGINT, SIGTERM, SIGHUP. */
export function stopAll() {
  stopped = true;
  for (const child of running) child.kill("SIGTERM");
}

/**
 * @param {string} id names the log file in .cache/setup
 * @returns {Promise<{code: number, tail: string}>} code 127 when the program can't be started
 */
export function runProgram(id, command, args, { env = {}, onLine = () => {} } = {}) {
  const folder = join(cache, "setup");
  mkdirSync(folder, { recursive: true });
  const log = createWriteStream(join(folder, `${id}.log`), { flags: "a" });
  log.write(`\n$ ${[command, ...args].join(" ")}\n`);
  return new Promise((resolve) => {
    if (stopped) return resolve({ code: 130, tail: "interrupted" });
    let text = "";
    const child = spawn(command, args, {
      cwd: root,
      env: { ...courseEnv(), ...env },
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
    });
    running.add(child);
    const read = (chunk) => {
      log.write(chunk);
      text = (text + chunk).slice(-20_000);
      for (const line of String(chunk).split("\n")) if (line.trim()) onLine(line.trim());
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
    const done = (code) => {
      running.delete(child);
      log.end();
      resolve({ code, tail: lastLines(text) });
    };
    child.once("error", (error) => done(error.code === "ENOENT" ? 127 : 126));
    child.once("close", (code, signal) => done(signal ? 130 : (code ?? 1)));
  });
}

const lastLines = (text) =>
  text
    .split("\n")
    .map((line) => line.trimEnd().slice(0, 300))
    .filter(Boolean)
    .slice(-15)
    .join("\n");
