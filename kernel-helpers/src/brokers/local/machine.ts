/** What Mosquitto this machine has. */
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { LabError } from "../../core/errors";

export interface LocalMosquitto {
  readonly path: string;
  readonly version: string;
  /** The folder of its plugins, or null. */
  readonly plugins: string | null;
}

/** Debian keeps mosquitto in /usr/sbin, which is on the PATH of administrators only. */
const BESIDES = [
  "/usr/sbin",
  "/usr/local/sbin",
  "/usr/local/bin",
  "/opt/homebrew/sbin",
  "/opt/homebrew/bin",
  "/snap/bin",
];

/** A program of Mosquitto's; MQTT_LAB_MOSQUITTO_BIN names a folder to look in first, and for these programs only there. */
export function findProgram(name: string): string | null {
  const own = process.env.MQTT_LAB_MOSQUITTO_BIN;
  const ours = name.startsWith("mosquitto");
  const folders = own && ours ? [own, join(own, "../bin"), join(own, "../sbin")] : [...searchPath(), ...BESIDES];
  return folders.map((folder) => join(folder, name)).find(isProgram) ?? null;
}

const searchPath = (): string[] => (process.env.PATH ?? "").split(delimiter).filter((folder) => folder.startsWith("/"));

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const known = new Map<string, LocalMosquitto>();

/** @throws LabError NO_ENGINE. */
export async function localMosquitto(): Promise<LocalMosquitto> {
  const path = findProgram("mosquitto");
  if (!path) {
    throw new LabError(
      "NO_ENGINE",
      "there is no mosquitto on this machine",
      "Debian, Ubuntu: sudo apt install mosquitto mosquitto-clients; macOS: brew install mosquitto",
    );
  }
  const there = known.get(path);
  if (there) return there;
  const { execa } = await import("execa");
  const { stdout, stderr } = await execa(path, ["-h"], { reject: false, timeout: 5_000, stdin: "ignore" });
  const version = /mosquitto version (\S+)/.exec(`${stdout}\n${stderr}`)?.[1];
  if (!version) throw new LabError("NO_ENGINE", `${path} doesn't say its version`, `see what \`${path} -h\` says`);
  const found = { path, version, plugins: findPlugins(path) };
  known.set(path, found);
  return found;
}

function findPlugins(program: string): string | null {
  const base = join(dirname(program), "..", "lib");
  const libs = [base, "/usr/lib", "/usr/local/lib", "/opt/homebrew/lib"];
  const folders = libs.flatMap((lib) => [
    join(lib, "mosquitto"),
    ...subfolders(lib, /-linux-/).flatMap((triple) => [join(triple, "mosquitto"), triple]),
    lib,
  ]);
  return folders.find((folder) => existsSync(join(folder, "mosquitto_dynamic_security.so"))) ?? null;
}

function subfolders(folder: string, name: RegExp): string[] {
  try {
    return readdirSync(folder)
      .filter((one) => name.test(one))
      .map((one) => join(folder, one));
  } catch {
    return []; // no such folder
  }
}
