/** JupyterLab as a child of ours: started, awaited, ended with everything it runs. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LabError } from "../core/errors";
import { courseRoot } from "../core/paths";

export interface JupyterOptions {
  /** The folder that it opens in. */
  readonly folder: string;
  /** This port or none; without it 8888 or one of the next that is free. */
  readonly port?: number;
  /** Added to the environment of the server, and so of the kernels. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds until it must answer. Default 60,000. */
  readonly timeout?: number;
}

/** A server that answers. */
export interface Jupyter {
  readonly pid: number;
  readonly port: number;
  readonly token: string;
  /** "http://127.0.0.1:8888/" */
  readonly url: string;
  /** Its exit code, once it ended; null after a signal. */
  readonly ended: Promise<number | null>;
  /** Ends server and kernels; resolves when they are gone. Safe to call twice. */
  end(): Promise<void>;
}

/** @throws LabError PORT_TAKEN, or SETUP_FAILED with the last lines of its log. */
export async function startJupyter(options: JupyterOptions): Promise<Jupyter> {
  const { cache, courseEnv, venvPython } = await import("../../setup/folders.mjs");
  const logs = join(cache, "jupyter", "logs");
  mkdirSync(logs, { recursive: true });
  const token = randomBytes(24).toString("hex");
  const env: NodeJS.ProcessEnv = { ...courseEnv(), ...options.env, JUPYTER_TOKEN: token };
  const logFile = join(logs, `jupyterlab-${process.pid}.log`);
  const log = openSync(logFile, "w", 0o600);
  const port = options.port ?? 8888;
  const child = spawn(
    venvPython,
    [
      "-m",
      "jupyterlab",
      `--config=${join(courseRoot, "kernel-helpers", "setup", "jupyter_server_config.py")}`,
      `--ServerApp.port=${port}`,
      `--ServerApp.port_retries=${options.port === undefined ? 100 : 0}`,
      `--ServerApp.root_dir=${options.folder}`,
    ],
    // A group of its own: Ctrl-C at the terminal reaches us alone, and we end it in order.
    { cwd: courseRoot, env, stdio: ["pipe", log, log], detached: process.platform !== "win32", windowsHide: true },
  );
  closeSync(log);
  const ended = new Promise<number | null>((resolve) => {
    child.once("error", () => resolve(127));
    child.once("exit", (code) => resolve(code));
  });
  const end = once(() => endServer(child, ended));
  try {
    const actual = await answering(child, ended, join(String(env.JUPYTER_RUNTIME_DIR), `jpserver-${child.pid}.json`), {
      token,
      logFile,
      asked: options.port,
      timeout: options.timeout ?? 60_000,
    });
    void ended.then(() => rmSync(logFile, { force: true }));
    return { pid: child.pid!, port: actual, token, url: `http://127.0.0.1:${actual}/`, ended, end };
  } catch (error) {
    await end();
    throw error;
  }
}

interface Awaited {
  token: string;
  logFile: string;
  asked: number | undefined;
  timeout: number;
}

/** Waits for the file in which a server says its port, then for an answer on it. Resolves to the port. */
async function answering(
  child: ChildProcess,
  ended: Promise<number | null>,
  infoFile: string,
  wait: Awaited,
): Promise<number> {
  const deadline = Date.now() + wait.timeout;
  let over = false;
  void ended.then(() => {
    over = true;
  });
  while (!over && Date.now() < deadline) {
    const port = statedPort(infoFile);
    if (port && (await answers(port, wait.token))) return port;
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 50))]);
  }
  const tail = readFileSync(wait.logFile, "utf8").trim().split("\n").slice(-15).join("\n");
  if (
    wait.asked !== undefined &&
    /port \d+ is (already )?in use|not available|EADDRINUSE|Permission to listen/i.test(tail)
  ) {
    throw new LabError(
      "PORT_TAKEN",
      `port ${wait.asked} on 127.0.0.1 is in use or not allowed`,
      "npm start   (it finds a free one)",
    );
  }
  const what = over
    ? `JupyterLab ended before it answered (exit code ${await ended})`
    : `JupyterLab (process ${child.pid}) does not answer after ${wait.timeout / 1_000} s`;
  throw new LabError(
    "SETUP_FAILED",
    `${what}. Its last lines:\n${tail}`,
    "rm -rf .venv && npm start   (installs JupyterLab anew)",
  );
}

function statedPort(file: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { port: number }).port;
  } catch {
    return undefined; // not there yet, or half written
  }
}

async function answers(port: number, token: string): Promise<boolean> {
  try {
    const headers = { Authorization: `token ${token}` };
    const signal = AbortSignal.timeout(5_000);
    return (await fetch(`http://127.0.0.1:${port}/api/status`, { headers, signal })).ok;
  } catch {
    return false; // it does not listen yet: asked again until the deadline
  }
}

/** SIGTERM lets the server end its kernels; what is left after 10 s is killed, kernels then leave by themselves. */
async function endServer(child: ChildProcess, ended: Promise<number | null>): Promise<void> {
  if (child.pid === undefined) return;
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await ended;
  clearTimeout(late);
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= work();
    return running;
  };
}
