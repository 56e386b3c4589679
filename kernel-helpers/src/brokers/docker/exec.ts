import { randomBytes } from "node:crypto";
import type Docker from "dockerode";
import { LabError } from "../../core/errors";
import type { ExecOptions, ToolResult } from "../engine";
import { over, textSink } from "../line-sink";
import { noProgram } from "../no-program";
import { call } from "./client";

/** Mosquitto's user and group in the official image and in ours. */
export const OWNER = { uid: 1883, gid: 1883 };
const USER = `${OWNER.uid}:${OWNER.gid}`;
const MARK = "MQTT_NOTEBOOKS_EXEC";

/** Runs a program in a running container, as Mosquitto's user. */
export async function execIn(
  docker: Docker,
  container: Docker.Container,
  command: readonly string[],
  options: ExecOptions = {},
): Promise<ToolResult> {
  const id = randomBytes(6).toString("hex");
  const stdin = options.input !== undefined;
  const exec = await call(`running ${command[0]}`, () =>
    container.exec({
      Cmd: [...command],
      AttachStdout: true,
      AttachStderr: true,
      AttachStdin: stdin,
      User: USER,
      WorkingDir: "/mosquitto/config",
      Env: [`${MARK}=${id}`],
    }),
  );
  const stream = await call(`running ${command[0]}`, () => exec.start({ hijack: true, stdin }));
  const result = await gather(docker, stream, command, options, () => endMarked(container, id));
  const { ExitCode } = await call(`running ${command[0]}`, () => exec.inspect());
  return checkFound({ ...result, exitCode: ExitCode ?? -1 });
}

/**
 * Feeds and reads a program's streams until they end.
 * @param end ends the program: called when it takes too long or the caller gives up.
 */
export async function gather(
  docker: Docker,
  stream: NodeJS.ReadWriteStream,
  command: readonly string[],
  options: ExecOptions,
  end: () => Promise<void>,
): Promise<Omit<ToolResult, "exitCode">> {
  const [stdout, stderr] = [textSink(), textSink()];
  docker.modem.demuxStream(stream, stdout.stream, stderr.stream);
  if (options.input !== undefined) stream.end(options.input);
  const finished = over(stream);
  const timeout = options.timeout ?? 10_000;
  const reason = await raceWith(finished, timeout, options.signal);
  if (reason) {
    await end();
    (stream as unknown as { destroy(): void }).destroy();
    if (reason === "aborted") throw options.signal!.reason;
    throw new LabError(
      "TIMEOUT",
      `${command.join(" ")} was still running after ${timeout} ms\n${stdout.text()}${stderr.text()}`.trimEnd(),
      "give it a way to end (-C for mosquitto_sub), or a longer `timeout`",
    );
  }
  return { command, stdout: stdout.text(), stderr: stderr.text() };
}

export async function raceWith(
  done: Promise<unknown>,
  timeout: number,
  signal?: AbortSignal,
): Promise<"late" | "aborted" | null> {
  if (signal?.aborted) return "aborted";
  let stop = () => {};
  const ended = new Promise<"late" | "aborted">((resolve) => {
    const timer = setTimeout(() => resolve("late"), timeout);
    const abort = () => resolve("aborted");
    signal?.addEventListener("abort", abort, { once: true });
    stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
  });
  try {
    return await Promise.race([done.then(() => null), ended]);
  } finally {
    stop();
  }
}

/** The engine's API cannot end what it runs in a container; the program's own environment tells which it is. */
async function endMarked(container: Docker.Container, id: string): Promise<void> {
  const script = `for p in /proc/[0-9]*; do if tr '\\0' '\\n' <$p/environ 2>/dev/null | grep -qx ${MARK}=${id}; then kill -9 \${p#/proc/}; fi; done`;
  const exec = await container.exec({ Cmd: ["sh", "-c", script], User: USER, AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({ hijack: true });
  stream.resume();
  await over(stream);
}

/** The engine reports a program that isn't there as one that ran and failed. */
export function checkFound(result: ToolResult): ToolResult {
  if (
    (result.exitCode === 126 || result.exitCode === 127) &&
    /executable file not found|no such file/i.test(result.stdout + result.stderr)
  ) {
    throw noProgram(result.command[0] ?? "");
  }
  return result;
}
