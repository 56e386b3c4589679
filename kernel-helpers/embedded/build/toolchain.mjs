/** The C compiler: zig's wheel from PyPI, pinned by hash, in a Python environment of its own. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { BuildFault } from "./fault.mjs";
import { lastLines, run } from "./run.mjs";

const windows = process.platform === "win32";

async function findPython() {
  for (const name of windows ? ["python", "py"] : ["python3", "python"]) {
    const result = await run(name, ["-c", "import sys; print(sys.version_info >= (3, 8))"]);
    if (result.code === 0 && result.stdout.trim() === "True") return name;
  }
  throw new BuildFault(
    "no Python 3.8 or newer was found: the compiler comes as a Python package",
    "install Python 3 with its venv module",
  );
}

/** Where the wheel puts the program. Found, not assumed: the folder carries Python's version. */
async function zigOf(environment) {
  const python = join(environment, windows ? "Scripts/python.exe" : "bin/python");
  const result = await run(python, ["-c", "import os, ziglang; print(os.path.dirname(ziglang.__file__))"]);
  return result.code === 0 ? join(result.stdout.trim(), windows ? "zig.exe" : "zig") : null;
}

async function install(python, requirements, environment) {
  const made = await run(python, ["-m", "venv", environment]);
  if (made.code !== 0) {
    throw new BuildFault(
      `a Python environment could not be made:\n${lastLines(made.stdout + made.stderr, 6)}`,
      "install Python's venv module (on Debian and Ubuntu: apt install python3-venv)",
    );
  }
  const inside = join(environment, windows ? "Scripts/python.exe" : "bin/python");
  const options = [
    "--quiet",
    "--disable-pip-version-check",
    "--no-input",
    "--no-deps",
    "--require-hashes",
    "--only-binary",
    ":all:",
  ];
  const installed = await run(inside, ["-m", "pip", "install", ...options, "-r", requirements]);
  if (installed.code !== 0) {
    throw new BuildFault(
      `the compiler could not be installed from PyPI:\n${lastLines(installed.stderr, 6)}`,
      "check the network and pip's settings (an index of your own must carry ziglang), and run npm run embedded again",
    );
  }
}

/**
 * The path of the zig program, installed when it is not there yet.
 *
 * @param {string} requirements path of the pins
 * @param {string} folder where environments live
 * @param {(line: string) => void} progress
 */
export async function bringZig(requirements, folder, progress) {
  const id = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const environment = join(folder, `zig-${id}`);
  const there = existsSync(environment) ? await zigOf(environment) : null;
  if (there) return there;

  progress("installing the compiler (zig 0.14.1 from PyPI: 83 MB to download, 366 MB on disk)");
  const python = await findPython();
  mkdirSync(dirname(environment), { recursive: true });
  const half = `${environment}.half`;
  for (const old of [half, environment]) rmSync(old, { recursive: true, force: true });
  try {
    await install(python, requirements, half);
    // Scripts inside name the environment's first path, but only its interpreter is used, and that one finds itself.
    renameSync(half, environment);
  } catch (error) {
    rmSync(half, { recursive: true, force: true });
    throw error;
  }
  const zig = await zigOf(environment);
  if (zig) return zig;
  rmSync(environment, { recursive: true, force: true });
  throw new BuildFault("the compiler's package has no zig program", "run npm run embedded again");
}
