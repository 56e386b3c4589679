/** What can be run beside a broker: Mosquitto's own programs, and enough to look at files. */
import { LabError } from "../../core/errors";
import type { Scope } from "../../core/scope";
import type { ExecOptions, Progress, ToolResult } from "../engine";
import { readConf } from "../mosquitto-conf";
import { Errno, FileError, type FileStat, resolvePath } from "./core/files";
import type { FolderFiles, Mount } from "./node/folder-files";
import type { Neighbours, PublishedPort } from "./node/messages";
import { programModule, readManifest } from "./node/modules";
import type { WorkerPool } from "./node/pool";
import { runProgram } from "./node/program";
import { Route } from "./node/route";
import { speaksTls, tlsLine } from "./tls";
import { programsWithTls } from "./tls-build";

/** Where a program runs: on which files, and beside which broker. */
export interface Place {
  readonly pool: WorkerPool;
  readonly scope: Scope;
  readonly files: FolderFiles;
  readonly mounts: readonly Mount[];
  readonly own: readonly PublishedPort[];
  readonly neighbours: Neighbours;
  /** The neighbours that the broker is cut from. */
  readonly cut: readonly string[];
  /** Where relative paths begin. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/** @throws LabError TOOL_FAILED when there is no such program, TIMEOUT; the signal's reason. */
export async function runCommand(
  place: Place,
  command: readonly string[],
  options: ExecOptions & { progress?: Progress } = {},
): Promise<ToolResult> {
  const [path = "", ...args] = command;
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (name === "cat" || name === "ls") return lookAtFiles(place, name, args, command);
  if (name === "mosquitto") return runMosquitto(place, command, options);
  if (!readManifest().programs[name]) throw noProgram(path);
  const env = { ...place.env, PWD: place.folder };
  const network = {
    route: new Route(place.own, place.neighbours, place.cut).toNow,
    realPath: (one: string) => place.files.realPath(one),
  };
  const tls = name !== "mosquitto_passwd" && speaksTls([...args, ...optionsFile(place, args)]);
  const module = await programModule(
    name,
    tls ? await programsWithTls(command.join(" "), place.scope, options.progress) : undefined,
  );
  return runProgram({ module, command, env, mounts: place.mounts, network }, options);
}

const noProgram = (name: string): LabError =>
  new LabError(
    "TOOL_FAILED",
    `there is no program ${name} beside this broker`,
    "mosquitto_passwd, mosquitto_ctrl, mosquitto_sub, mosquitto_pub, mosquitto_rr, cat and ls are",
  );

/** Another mosquitto beside the broker: for what ends by itself, such as -h and --test-config. */
async function runMosquitto(
  place: Place,
  command: readonly string[],
  options: ExecOptions & { progress?: Progress },
): Promise<ToolResult> {
  const conf = command[command.findIndex((word) => word === "-c" || word === "--config-file") + 1];
  const asks = tlsLine(
    readConfiguration(place.files, conf && conf !== command[0] ? resolvePath(place.folder, conf) : null),
  );
  const tls = asks || command.includes("--tls-keylog");
  const module = await programModule(
    "mosquitto",
    tls
      ? await programsWithTls(
          asks ? `line ${asks.number} of ${asks.path}` : command.join(" "),
          place.scope,
          options.progress,
        )
      : undefined,
  );
  const { timeout = 10_000, signal } = options;
  signal?.throwIfAborted();
  const output = { 1: "", 2: "" };
  return new Promise((resolve, reject) => {
    const { mounts, env, neighbours, cut } = place;
    const start = { args: command.slice(1), env, mounts, ports: [], neighbours, cut, module };
    const run = place.pool.run(
      { start },
      {
        lines: (lines) => {
          for (const [fd, text] of lines) output[fd] += `${text}\n`;
        },
        started() {},
        refused() {},
        ended({ code }) {
          clearTimeout(timer);
          signal?.removeEventListener("abort", abort);
          resolve({ command, stdout: output[1], stderr: output[2], exitCode: code ?? 137 });
        },
      },
    );
    const give = (reason: unknown) => {
      reject(reason);
      run.kill();
    };
    const abort = () => give(signal?.reason);
    const timer = setTimeout(() => give(stillRunning(command, timeout, output[1] + output[2])), timeout);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

const stillRunning = (command: readonly string[], timeout: number, said: string): LabError =>
  new LabError(
    "TIMEOUT",
    `${command.join(" ")} was still running after ${timeout} ms\n${said}`.trimEnd(),
    "start a broker with lab.broker; this is for what ends by itself, such as -h and --test-config",
  );

function lookAtFiles(
  place: Place,
  name: "cat" | "ls",
  args: readonly string[],
  command: readonly string[],
): ToolResult {
  let stdout = "";
  let stderr = "";
  const flags = args.filter((word) => word.startsWith("-"));
  const paths = args.filter((word) => !word.startsWith("-"));
  for (const path of paths.length || name === "cat" ? paths : ["."]) {
    const full = resolvePath(place.folder, path);
    try {
      stdout += name === "cat" ? readText(place.files, full) : listing(place.files, full, path, flags.join(""));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      const access = name === "ls" ? `cannot access '${path}'` : path;
      stderr += `${name}: ${access}: ${REASONS[error.errno] ?? "Input/output error"}\n`;
    }
  }
  return { command, stdout, stderr, exitCode: stderr ? (name === "ls" ? 2 : 1) : 0 };
}

const REASONS: Record<number, string> = {
  [Errno.noent]: "No such file or directory",
  [Errno.isdir]: "Is a directory",
  [Errno.notdir]: "Not a directory",
  [Errno.acces]: "Permission denied",
};

/** The words of the options file that a client program is told to read. */
function optionsFile(place: Place, args: readonly string[]): string[] {
  const name = args[args.indexOf("-o") + 1];
  if (!args.includes("-o") || name === undefined) return [];
  return orElse("", () => readText(place.files, resolvePath(place.folder, name))).split(/\s+/);
}

/**
 * A configuration as it is now, with the files that it includes, by path: a restart reads what was rewritten meanwhile.
 *
 * @param path null = none at all.
 */
export function readConfiguration(files: FolderFiles, path: string | null): Map<string, string> {
  const texts = new Map<string, string>();
  if (path === null) return texts;
  const read = (one: string): string => {
    const text = orElse("", () => readText(files, one));
    texts.set(one, text);
    return text;
  };
  readConf(read(path), (folder) => {
    const names = orElse([], () => files.list(resolvePath("/", folder)));
    return names.filter((name) => name.endsWith(".conf")).map((name) => read(resolvePath(folder, name)));
  });
  return texts;
}

/** What is missing is for Mosquitto to complain about. */
function orElse<T>(fallback: T, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FileError) return fallback;
    throw error;
  }
}

/** A file's text. @throws FileError */
function readText(files: FolderFiles, path: string): string {
  const stat = files.stat(path, true);
  if (stat.kind === "folder") throw new FileError(Errno.isdir);
  const file = files.open(path, { create: false, exclusive: false, truncate: false, write: false, follow: true });
  try {
    const bytes = new Uint8Array(stat.size);
    return new TextDecoder().decode(bytes.subarray(0, file.read(bytes, 0)));
  } finally {
    file.close();
  }
}

function listing(files: FolderFiles, path: string, shown: string, flags: string): string {
  const stat = files.stat(path, true);
  if (stat.kind !== "folder") return entry(shown, stat, flags);
  const all = flags.includes("a");
  const inside = files.list(path).filter((name) => all || !name.startsWith("."));
  const entries = [...(all ? [".", ".."] : []), ...inside.sort()].map((name) => ({
    name,
    stat: files.stat(resolvePath(path, name), false),
  }));
  const size = entries.reduce(
    (sum, one) => sum + (one.stat.kind === "folder" ? 0 : Math.ceil(one.stat.size / 1024)),
    0,
  );
  // An empty folder says so as well.
  const head = flags.includes("l") ? `total ${size}\n` : "";
  return head + entries.map((one) => entry(one.name, one.stat, flags)).join("");
}

const entry = (name: string, stat: FileStat, flags: string): string =>
  flags.includes("l")
    ? `${stat.kind === "folder" ? "d" : "-"} ${String(stat.size).padStart(8)} ${new Date(stat.modified).toISOString()} ${name}\n`
    : `${name}\n`;
