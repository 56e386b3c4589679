/** Builds the programs with TLS when something first needs them: OpenSSL is compiled then, once. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { LabError } from "../../core/errors";
import { courseRoot } from "../../core/paths";
import type { Scope } from "../../core/scope";
import type { Progress } from "../engine";
import { builtFolder } from "./node/modules";

/** Where the build puts them. */
export const tlsFolder = (): string => join(builtFolder(), "tls");

export const tlsIsBuilt = (): boolean => existsSync(join(tlsFolder(), "manifest.json"));

/** Whether they are there or perl is, without which they can't be built. */
export function tlsIsPossible(): boolean {
  if (tlsIsBuilt()) return true;
  const name = process.platform === "win32" ? "perl.exe" : "perl";
  return (process.env.PATH ?? "").split(delimiter).some((folder) => folder && existsSync(join(folder, name)));
}

let underWay: Promise<void> | null = null;

/**
 * The folder of the programs with TLS, built first where it is not there yet; once, however many ask at once.
 *
 * @param why what asks for TLS, for the message when it can't be had.
 * @throws LabError SETUP_FAILED; NOT_IN_A_LAB when the lab is closed meanwhile.
 */
export async function programsWithTls(why: string, scope: Scope, progress?: Progress): Promise<string> {
  if (!tlsIsBuilt()) {
    underWay ??= build(scope, progress).finally(() => {
      underWay = null;
    });
    try {
      await underWay;
    } catch (error) {
      throw error instanceof BuildFailed ? await failure(why, error) : error;
    }
  }
  return tlsFolder();
}

/** The build's own words. */
class BuildFailed extends Error {
  constructor(
    readonly said: string,
    readonly interrupted: boolean,
  ) {
    super(said);
  }
}

async function build(scope: Scope, progress?: Progress): Promise<void> {
  progress?.("building the embedded broker with TLS (OpenSSL is compiled, once; a minute or two)");
  const program = join(courseRoot, "kernel-helpers", "embedded", "build.mjs");
  const child = spawn(process.execPath, [program, "--tls", "--asked"], {
    stdio: ["pipe", "ignore", "pipe"],
    windowsHide: true,
  });
  let interrupted = false;
  const forget = scope.add("the build of the embedded broker with TLS", async () => {
    interrupted = true;
    await ended(child, () => child.kill());
  });
  const said: string[] = [];
  createInterface({ input: child.stderr! }).on("line", (line) => {
    said.push(line);
    const step = /^embedded: (.*)$/.exec(line)?.[1];
    if (step) progress?.(`  ${step}`);
  });
  try {
    const code = await ended(child);
    if (code !== 0 || !tlsIsBuilt()) throw new BuildFailed(said.join("\n"), interrupted);
  } finally {
    forget();
  }
}

function ended(child: ChildProcess, begin = () => {}): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve(child.exitCode);
    child.once("error", () => resolve(null));
    child.once("close", (code) => resolve(code));
    begin();
  });
}

async function failure(why: string, { said, interrupted }: BuildFailed): Promise<LabError> {
  if (interrupted) return new LabError("NOT_IN_A_LAB", "this lab was closed", "run the notebook's first cell again");
  const [, reason, ownHint] = /was not built: ([\s\S]*?)\nTry: (.*)/.exec(said) ?? [undefined, said.slice(-2_000), ""];
  const { howToGet } = await import("../../../setup/system.mjs");
  const perl = /OpenSSL's configuration needs it/.test(said);
  const hint = perl ? howToGet("perl") : ownHint || "run npm run embedded -- --tls in the course's folder";
  return new LabError(
    "SETUP_FAILED",
    `${why} asks for TLS, and the embedded broker with TLS could not be built: ${reason}`,
    `${hint}${perl ? " and run the cell again" : ""}; or run this lab with Docker: MQTT_LAB_ENGINE=docker, and open the lab again`,
  );
}
