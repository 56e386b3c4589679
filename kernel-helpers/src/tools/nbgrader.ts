/** The real nbgrader, in a Python environment of its own: what the course's assignments are proven and measured with. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { cachePath, courseRoot } from "../core/paths";
import { kernelSpec } from "../kernel/kernelspec";

const run = promisify(execFile);
const windows = process.platform === "win32";
const REQUIREMENTS = join(courseRoot, "kernel-helpers", "test", "course", "nbgrader-requirements.txt");
/** What pip says when it reaches no index. */
const OFFLINE =
  /Could not find a version|No matching distribution|NewConnectionError|Temporary failure|ConnectTimeout|ProxyError|getaddrinfo/i;

/** Its folder of programs, or why there is none. Made at first use, again when the requirements change. */
export async function nbgraderBin(): Promise<{ bin: string } | { lacking: string }> {
  const folder = cachePath("nbgrader-venv");
  const bin = join(folder, windows ? "Scripts" : "bin");
  if (!existsSync(REQUIREMENTS)) return { lacking: "this copy of the course has no list of nbgrader's packages" };
  const wanted = readFileSync(REQUIREMENTS, "utf8");
  const stamp = join(folder, "requirements.txt");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return { bin };
  rmSync(folder, { recursive: true, force: true });
  try {
    await run(windows ? "python" : "python3", ["-m", "venv", folder]);
    await run(join(bin, "pip"), ["install", "--quiet", "-r", REQUIREMENTS], { maxBuffer: 16 << 20 });
    writeFileSync(stamp, wanted);
    return { bin };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    const { stderr = "", message, code } = error as { stderr?: string; message: string; code?: string };
    if (code === "ENOENT") return { lacking: "there is no Python" };
    if (OFFLINE.test(stderr + message)) return { lacking: "no network to get nbgrader from" };
    throw error;
  }
}

/** Runs `nbgrader COMMAND` in a folder made by `npm run handout -- --nbgrader`. @throws Error with what it printed. */
export async function nbgrader(
  bin: string,
  folder: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const kernels = join(folder, ".jupyter", "kernels", "tslab");
  mkdirSync(kernels, { recursive: true });
  const launcher = join(courseRoot, "kernel-helpers", "dist", "kernel", "launch.js");
  writeFileSync(join(kernels, "kernel.json"), JSON.stringify(kernelSpec(process.execPath, launcher)));
  const home = join(folder, ".jupyter");
  try {
    const { stdout, stderr } = await run(join(bin, "nbgrader"), [...words], {
      cwd: folder,
      maxBuffer: 64 << 20,
      env: {
        ...process.env,
        // Nothing of this user's own settings, and nothing left with them.
        PATH: `${bin}${delimiter}${process.env.PATH}`,
        JUPYTER_PATH: home,
        JUPYTER_CONFIG_DIR: join(home, "config"),
        JUPYTER_DATA_DIR: join(home, "data"),
        JUPYTER_RUNTIME_DIR: join(home, "runtime"),
        JUPYTER_PLATFORM_DIRS: "1",
        IPYTHONDIR: join(home, "ipython"),
        HOME: home,
        PYTHONDONTWRITEBYTECODE: "1",
        MQTT_LAB_PROGRESS: "",
        ...env,
      },
    });
    return stdout + stderr;
  } catch (error) {
    const { stdout = "", stderr = "", message } = error as { stdout?: string; stderr?: string; message: string };
    throw new Error(`nbgrader ${words.join(" ")}: ${message.slice(0, 500)}\n${stdout}${stderr}`.slice(0, 8_000));
  }
}

/** nbgrader's export: score by learner. */
export function scoresOf(csv: string): Map<string, number> {
  const [head = "", ...rows] = csv.trim().split(/\r?\n/);
  const names = head.split(",");
  const at = (row: string, name: string): string => row.split(",")[names.indexOf(name)] ?? "";
  return new Map(rows.map((row) => [at(row, "student_id"), Number(at(row, "score"))]));
}
