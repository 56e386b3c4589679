/** Runs programs without a shell. */
import { spawn } from "node:child_process";

const running = new Set();
// A compiler must not go on for somebody who has left.
process.once("exit", () => {
  for (const child of running) child.kill();
});

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ code: number | null, stdout: string, stderr: string }>} code is null when it couldn't be started
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"], windowsHide: true });
    running.add(child);
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      stderr += text;
    });
    const done = (result) => {
      running.delete(child);
      resolve(result);
    };
    child.once("error", (error) => done({ code: null, stdout, stderr: `${stderr}${error.message}` }));
    child.once("close", (code) => done({ code: code ?? 1, stdout, stderr }));
  });
}

/** The last lines of a program's complaints, for a message. */
export const lastLines = (text, count = 12) => text.trimEnd().split(/\r?\n/).slice(-count).join("\n");
