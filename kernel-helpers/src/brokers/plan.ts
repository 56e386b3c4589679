/** Turns what a cell asked for into a plan that any engine can carry out. Pure: nothing is started or written here. */
import { posix } from "node:path";
import { LabError } from "../core/errors";
import { type ConfReading, dedent, isLoopback, readConf } from "./mosquitto-conf";
import type { BrokerFile, BrokerSpec, MosquittoRelease } from "./spec";

export type ListenerProtocol = "mqtt" | "websockets" | "http_api";

/** A listener of the configuration. Unix-socket listeners (port 0) are not listed: no client here can reach them. */
export interface ListenerPlan {
  readonly port: number;
  readonly protocol: ListenerProtocol;
  /** The bind address the configuration names, if any: 127.0.0.1 inside a container is out of reach from outside. */
  readonly bind?: string;
  readonly tls: boolean;
  /** The version of the PROXY protocol that each connection has to begin with (Mosquitto 2.1). */
  readonly proxy?: 1 | 2;
  /** Line in the learner's text, from 1; 0 where no line of it opens the listener. */
  readonly line: number;
}

export interface PlannedFile {
  /** Absolute, below /mosquitto. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly mode: number;
}

/** What a plan asks of an engine beyond starting the program. */
export type Need =
  | "tls"
  | "websockets"
  | "http_api"
  | "plugins" // a plugin other than dynamic security
  | "persist_sqlite"
  | "releases" // a release other than the engine's only one
  | "local_only" // the port is published, the broker listens on its own loopback only
  | "replace" // a container is replaced, its volume stays
  | "services"
  | "links"
  | "ownership"; // file owners and modes are those of a real system

export interface BrokerPlan {
  readonly lab: string;
  readonly name: string;
  readonly release: MosquittoRelease;
  /** The learner's text less the indentation that all its lines share; null = no configuration file at all. */
  readonly conf: string | null;
  readonly listeners: readonly ListenerPlan[];
  readonly files: readonly PlannedFile[];
  readonly volume: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly ready: NonNullable<BrokerSpec["ready"]>;
  readonly timeout: number;
  readonly needs: ReadonlySet<Need>;
}

const RELEASES: readonly MosquittoRelease[] = ["2.1", "2.0.21", "2.0.11"];
const CONFIG = "/mosquitto/config";
export const CONF_PATH = `${CONFIG}/mosquitto.conf`;

/**
 * Plans a broker: checks what can be checked without starting anything, and says what an engine has to be able to do.
 * The configuration itself is not judged: what is wrong with it, Mosquitto says.
 *
 * @throws LabError BAD_ARGUMENT.
 */
export function planBroker(lab: string, spec: BrokerSpec = {}): BrokerPlan {
  if (typeof spec !== "object" || spec === null) {
    throw bad("a broker is described by an object", "write lab.broker({ conf: `listener 1883` })");
  }
  const release = checkedRelease(spec.mosquitto ?? "2.1");
  if (spec.conf !== undefined && typeof spec.conf !== "string") {
    throw bad("`conf` is not a text", "give the text of mosquitto.conf, in `backticks`");
  }
  if (spec.conf?.includes("\0")) throw bad("`conf` holds a NUL character", "a configuration is plain text: remove it");
  const conf = spec.conf === undefined ? null : dedent(spec.conf);
  const files = planFiles(spec.files ?? {});
  if (files.some((file) => file.path === CONF_PATH)) {
    throw bad("the configuration is given as a file", "give its text as `conf`, not in `files`");
  }
  const reading = readConf(conf, (folder) => includedTexts(files, folder));
  return {
    lab: checkedName(lab, "a lab"),
    name: checkedName(spec.name ?? "broker", "a broker"),
    release,
    conf,
    listeners: reading.listeners,
    files,
    volume: spec.volume === undefined ? null : checkedName(spec.volume, "a volume"),
    env: checkedEnv(spec.env ?? {}),
    ready: spec.ready ?? "connack",
    timeout: checkedTimeout(spec.timeout ?? 15_000),
    needs: needsOf(reading, release),
  };
}

/**
 * Files by their path below /mosquitto/config, as an engine puts them there. Password files and keys have to be for
 * their owner only, so that is the default for all but configuration.
 *
 * @throws LabError BAD_ARGUMENT for a path that leaves that folder, and for two files in one place.
 */
export function planFiles(files: Record<string, BrokerFile>): PlannedFile[] {
  const planned: PlannedFile[] = [];
  for (const [name, file] of Object.entries(files)) {
    const path = checkedPath(name);
    const clash = planned.find((one) => one.path === path || isWithin(one.path, path) || isWithin(path, one.path));
    if (clash) {
      throw bad(
        `the files "${name}" and "${posix.relative(CONFIG, clash.path)}" are in each other's place`,
        "give each file a path of its own; a file cannot be a folder too",
      );
    }
    const given = typeof file === "string" || file instanceof Uint8Array ? { content: file } : file;
    if (typeof given?.content !== "string" && !(given?.content instanceof Uint8Array)) {
      throw bad(`the file "${name}" has no content`, 'write { "acl": "topic read a/#" }, or { content, mode }');
    }
    const mode = given.mode ?? modeFor(path);
    if (!Number.isInteger(mode) || mode < 0 || mode > 0o7777) {
      throw bad(`the file "${name}" has the mode ${mode}`, "write file modes in octal, such as 0o600");
    }
    planned.push({ path, content: bytes(given.content), mode });
  }
  return planned;
}

/** A file's mode where nobody gave one: as it was planned, else for its owner only, but for configuration. */
export function modeFor(path: string, planned: readonly PlannedFile[] = []): number {
  return planned.find((file) => file.path === path)?.mode ?? (path.endsWith(".conf") ? 0o644 : 0o600);
}

/** @throws LabError BAD_ARGUMENT. */
export function checkedRelease(release: string): MosquittoRelease {
  const known = RELEASES.find((one) => one === release);
  if (known) return known;
  throw bad(`"${release}" is no Mosquitto release of this course`, `write one of: ${RELEASES.join(", ")}`);
}

/** The texts that an `include_dir` brings in, in Mosquitto's order. */
export function includedTexts(files: readonly PlannedFile[], folder: string): string[] {
  return files
    .filter(
      (file) => posix.dirname(file.path) === posix.normalize(`${folder}/`).slice(0, -1) && file.path.endsWith(".conf"),
    )
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map((file) => new TextDecoder().decode(file.content));
}

function needsOf(reading: ConfReading, release: MosquittoRelease): Set<Need> {
  const needs = new Set<Need>();
  if (reading.tls) needs.add("tls");
  for (const { protocol } of reading.listeners) if (protocol !== "mqtt") needs.add(protocol);
  for (const plugin of reading.plugins) {
    if (/persist_sqlite/.test(plugin)) needs.add("persist_sqlite");
    else if (!/dynamic_security/.test(plugin)) needs.add("plugins");
  }
  if (release !== "2.1") needs.add("releases");
  if (reading.listeners.some((listener) => isLoopback(listener.bind))) needs.add("local_only");
  return needs;
}

function checkedPath(name: string): string {
  const path = posix.normalize(posix.resolve(CONFIG, name));
  if (!name || name.endsWith("/") || name.includes("\0") || !isWithin(CONFIG, path)) {
    throw bad(
      `a broker's file cannot be at "${name}"`,
      `give a path below ${CONFIG}, such as "acl" or "certs/ca.crt": Mosquitto finds it there`,
    );
  }
  return path;
}

const isWithin = (folder: string, path: string): boolean => path.startsWith(`${folder}/`);

/** Names become host names, folders and labels: what all of them allow. */
export function checkedName(name: string, what: string): string {
  if (typeof name === "string" && /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name)) return name;
  const better = String(name)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, 40)
    .replace(/-+$/, "");
  throw bad(
    `${what} cannot be named "${String(name)}"`,
    `use up to 40 lower-case letters, digits and hyphens${better ? `: "${better}"` : ""}`,
  );
}

function checkedEnv(env: Record<string, string>): Record<string, string> {
  for (const [key, value] of Object.entries(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key) || typeof value !== "string" || value.includes("\0")) {
      throw bad(`"${key}" cannot be an environment variable`, "use names such as MOSQUITTO_DEBUG, and texts as values");
    }
  }
  return { ...env };
}

function checkedTimeout(timeout: number): number {
  if (Number.isFinite(timeout) && timeout > 0) return timeout;
  throw bad(`a broker cannot be awaited for ${timeout} ms`, "give `timeout` in milliseconds, such as 15_000");
}

const bytes = (content: string | Uint8Array): Uint8Array =>
  typeof content === "string" ? new TextEncoder().encode(content) : content;

const bad = (message: string, hint: string): LabError => new LabError("BAD_ARGUMENT", message, hint);
