/** Finds the Python that .venv is made with. */
import { spawnSync } from "node:child_process";
import { SetupError } from "./error.mjs";
import { courseEnv } from "./folders.mjs";
import { howToGet } from "./system.mjs";

const oldest = [3, 10];
const ask = "import sys; print('%d.%d.%d' % sys.version_info[:3]); import venv, ensurepip; print('venv')";

const candidates = () => [
  ...(process.platform === "win32" ? [["py", "-3"]] : []),
  ["python3"],
  ["python"],
  ...[14, 13, 12, 11, 10].map((minor) => [`python3.${minor}`]),
];

/**
 * The first Python in the path that is new enough and can make virtual environments.
 * @returns {{command: string[], version: string}}
 * @throws SetupError that names the nearest to it that was found.
 */
export function findPython() {
  let tooOld;
  let withoutVenv;
  for (const command of candidates()) {
    const found = look(command);
    if (!found) continue;
    const [major, minor] = found.version.split(".").map(Number);
    if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) tooOld ??= found;
    else if (!found.venv) withoutVenv ??= found;
    else return found;
  }
  const step = "Python";
  if (withoutVenv) {
    const { command, version, tail } = withoutVenv;
    const why = `${command.join(" ")} is Python ${version} without the modules venv and ensurepip`;
    throw new SetupError({ step, why, tail, fix: howToGet("venv") });
  }
  const why = tooOld
    ? `${tooOld.command.join(" ")} is Python ${tooOld.version}; JupyterLab needs ${oldest.join(".")} or newer`
    : "there is no Python in the path; JupyterLab needs one";
  throw new SetupError({ step, why, fix: howToGet("python") });
}

function look(command) {
  const [program, ...args] = command;
  const { status, stdout, stderr } = spawnSync(program, [...args, "-c", ask], {
    encoding: "utf8",
    env: courseEnv(),
    timeout: 20_000,
    windowsHide: true,
  });
  const version = /^(\d+\.\d+\.\d+)/.exec(stdout ?? "")?.[1];
  if (!version) return undefined; // not there, or Windows' door to its store
  return {
    command,
    version,
    venv: status === 0 && stdout.includes("venv"),
    tail: (stderr ?? "").trim().split("\n").slice(-3).join("\n"),
  };
}
