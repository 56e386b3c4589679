import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { cachePath, courseRoot } from "kernel-helpers/dist/core/paths";
import { kernelSpec } from "kernel-helpers/dist/kernel/kernelspec";
import { type Found, launcher } from "./suite";

const run = promisify(execFile);
export const fixtures = join(courseRoot, "kernel-helpers", "test", "kernel", "fixtures");

/** The result of a program that may fail. */
export interface Ran {
  readonly code: number;
  readonly output: string;
}

export async function program(
  file: string,
  args: string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<Ran> {
  const settings = { ...options, env: { ...process.env, ...options.env }, maxBuffer: 64 << 20, timeout: 180_000 };
  try {
    const { stdout, stderr } = await run(file, args, settings);
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: number | string; stdout?: string; stderr?: string };
    if (typeof code !== "number") throw error;
    return { code, output: stdout + stderr };
  }
}

/** What a network that isn't there looks like in npm's and pip's messages. */
const OFFLINE =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|E40[34]|NewConnectionError|Temporary failure in name|No matching distribution|Max retries/;

/** Makes a folder once: what is half made is never found under its name. @throws unless the network is what lacks. */
async function madeOnce(folder: string, make: (into: string) => Promise<void>): Promise<string | undefined> {
  if (existsSync(folder)) return undefined;
  const draft = `${folder}.${process.pid}.draft`;
  mkdirSync(draft, { recursive: true });
  try {
    await make(draft);
    renameSync(draft, folder);
    return undefined;
  } catch (error) {
    const { stderr = "", message } = error as { stderr?: string; message: string };
    if (existsSync(folder)) return undefined; // another run was faster
    if (OFFLINE.test(stderr + message)) return `no network to get it from (${stderr.trim().split("\n").at(-1)})`;
    throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/**
 * A Node binary of a certain version, from the package of this platform that npm's `node` would bring by an install
 * script: under `npm test` no install script runs.
 */
export async function nodeBinary(version: string): Promise<Found> {
  const packageName = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const folder = cachePath("node-versions", `${version}-${packageName}`);
  const lacking = await madeOnce(folder, async (into) => {
    writeFileSync(join(into, "package.json"), '{ "private": true }\n');
    const npm = process.platform === "win32" ? "npm.cmd" : "npm";
    await run(npm, ["install", "--no-audit", "--no-fund", "--loglevel=error", `${packageName}@${version}`], {
      cwd: into,
    });
  });
  const path = join(folder, "node_modules", packageName, "bin", process.platform === "win32" ? "node.exe" : "node");
  return lacking ? { lacking } : { path };
}

/** A Python with Jupyter's programs, by requirements.txt beside the tests; its bin folder. */
export async function jupyterBin(): Promise<Found> {
  const folder = cachePath("test-venv");
  const requirements = join(fixtures, "..", "requirements.txt");
  const wanted = readFileSync(requirements, "utf8");
  const stamp = join(folder, "requirements.txt");
  const bin = (venv: string): string => join(venv, process.platform === "win32" ? "Scripts" : "bin");
  if (existsSync(folder) && (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted)) {
    rmSync(folder, { recursive: true, force: true });
  }
  if (existsSync(folder)) return { path: bin(folder) };
  const python = process.platform === "win32" ? "python" : "python3";
  try {
    // Not by way of a draft: a venv's programs know their own path.
    await run(python, ["-m", "venv", folder]);
    await run(join(bin(folder), "pip"), ["install", "--quiet", "-r", requirements], { maxBuffer: 16 << 20 });
    writeFileSync(stamp, wanted);
    return { path: bin(folder) };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    const { stderr = "", message, code } = error as { stderr?: string; message: string; code?: string };
    if (code === "ENOENT") return { lacking: "there is no Python" };
    if (OFFLINE.test(stderr + message)) return { lacking: "no network to get Jupyter's programs from" };
    throw error;
  }
}

/** A folder with copies of the fixtures, and the environment in which Jupyter finds our kernel as `tslab`. */
export function workshop(): { folder: string; env: NodeJS.ProcessEnv; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "kernel-test-"));
  const kernels = join(folder, "share", "kernels", "tslab");
  mkdirSync(kernels, { recursive: true });
  writeFileSync(join(kernels, "kernel.json"), JSON.stringify(kernelSpec(process.execPath, launcher)));
  cpSync(fixtures, folder, { recursive: true });
  const home = join(folder, "home");
  mkdirSync(home);
  const env = {
    JUPYTER_PATH: join(folder, "share"),
    // Nothing of this user's own settings, and nothing left with them.
    JUPYTER_CONFIG_DIR: join(home, "config"),
    JUPYTER_DATA_DIR: join(home, "data"),
    JUPYTER_RUNTIME_DIR: join(home, "runtime"),
    IPYTHONDIR: join(home, "ipython"),
    PYTHONDONTWRITEBYTECODE: "1",
  };
  return { folder, env, remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }) };
}
