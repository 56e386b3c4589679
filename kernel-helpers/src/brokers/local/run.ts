/** Runs one of Mosquitto's programs, or a small one of the system's, to its end. */
import { join } from "node:path";
import { LabError } from "../../core/errors";
import type { ExecOptions, ToolResult } from "../engine";
import { noProgram } from "../no-program";
import { findProgram } from "./machine";
import { type Place, toLearnersWords, toRealCommand } from "./translate";

/** @throws LabError TOOL_FAILED when there is no such program, TIMEOUT when it does not end. */
export async function run(
  command: readonly string[],
  place: Place,
  own: string,
  options: ExecOptions = {},
): Promise<ToolResult> {
  const [name = "", ...args] = toRealCommand(command, place, own);
  const program = name.includes("/") ? name : findProgram(name);
  if (!program) throw missing(name);
  const timeout = options.timeout ?? 10_000;
  options.signal?.throwIfAborted();
  const { execa } = await import("execa");
  const result = await execa(program, args, {
    cwd: join(place.folder, "config"), // like the containers' programs
    reject: false,
    stripFinalNewline: false,
    timeout,
    forceKillAfterDelay: 500,
    cancelSignal: options.signal,
    ...(options.input === undefined ? { stdin: "ignore" } : { input: options.input }),
  });
  const words = { stdout: toLearnersWords(result.stdout, place), stderr: toLearnersWords(result.stderr, place) };
  if (result.isCanceled) throw options.signal?.reason;
  if (result.timedOut) {
    throw new LabError(
      "TIMEOUT",
      `${command.join(" ")} was still running after ${timeout} ms\n${words.stdout}${words.stderr}`.trimEnd(),
      "give it a way to end (-C for mosquitto_sub), or a longer `timeout`",
    );
  }
  if (result.code === "ENOENT" || result.code === "EACCES") throw missing(name);
  return { command, ...words, exitCode: result.exitCode ?? 128 };
}

/** Debian has the clients in a package of their own. */
function missing(name: string): LabError {
  const isClient = /^mosquitto_(sub|pub|rr)$/.test(name);
  return noProgram(name, isClient ? "Debian, Ubuntu: sudo apt install mosquitto-clients" : undefined);
}
