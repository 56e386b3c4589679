#!/usr/bin/env node
/**
 * Builds Mosquitto and its programs to WebAssembly, from pinned sources with a pinned compiler. Needs Node and Python
 * with venv; no shell, no C compiler, no root. Nothing of Mosquitto's is changed or kept in this repository.
 *
 *   node build.mjs [--force | --licences | --help]
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "./build/compile.mjs";
import { BuildFault } from "./build/fault.mjs";
import { collectLicences } from "./build/licences.mjs";
import { withLock } from "./build/lock.mjs";
import { bringSources } from "./build/sources.mjs";
import { bringZig } from "./build/toolchain.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** A hash over all that the result depends on: the pins, the shim and this program. */
function stampOf(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(c|h|mjs|json|txt)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => !path.startsWith(join(folder, "out")));
  const names = files.map((path) => path.slice(folder.length + 1).replaceAll("\\", "/")).sort();
  return hash(names.map((name) => `${name} ${hash(readFileSync(join(folder, name)))}`).join("\n"));
}

function readManifest(out) {
  try {
    return JSON.parse(readFileSync(join(out, "manifest.json"), "utf8"));
  } catch (error) {
    if (error.code === "ENOENT" || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Whether `out` holds what these inputs give, byte for byte. */
function isCurrent(out, stamp) {
  const manifest = readManifest(out);
  if (manifest?.stamp !== stamp) return false;
  return Object.entries(manifest.programs).every(([name, { sha256 }]) => {
    const path = join(out, `${name}.wasm`);
    return existsSync(path) && hash(readFileSync(path)) === sha256;
  });
}

/** Puts a finished folder in the place of the old one. */
function replaceFolder(fresh, out) {
  const old = `${out}.old`;
  rmSync(old, { recursive: true, force: true });
  if (existsSync(out)) renameSync(out, old);
  renameSync(fresh, out);
  rmSync(old, { recursive: true, force: true });
}

async function buildNow({ root, out, cache, stamp, progress }) {
  const pins = JSON.parse(readFileSync(join(root, "pins.json"), "utf8")).sources;
  const sources = await bringSources(pins, join(cache, "sources"), progress);
  const zig = await bringZig(join(root, "requirements.txt"), join(cache, "toolchain"), progress);
  const work = join(cache, "work");
  const programs = await compile({ zig, work, cache: join(cache, "zig"), shim: join(root, "shim"), sources, progress });
  const fresh = join(work, "out");
  collectLicences(pins, sources, zig, join(fresh, "licences"));
  const manifest = { stamp, mosquitto: pins[0].version, programs: {} };
  for (const name of programs) {
    const bytes = readFileSync(join(fresh, `${name}.wasm`));
    manifest.programs[name] = { bytes: bytes.length, sha256: hash(bytes) };
  }
  writeFileSync(join(fresh, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  mkdirSync(dirname(out), { recursive: true });
  replaceFolder(fresh, out);
  rmSync(work, { recursive: true, force: true });
}

/**
 * Builds when it is needed. Returns whether anything was built.
 *
 * @param {{ force?: boolean, out?: string, cache?: string, root?: string, progress?: (line: string) => void }} [options]
 *   folders of its own for tests; `progress` gets a line for each step
 * @throws {BuildFault} with nothing half done
 */
export async function build(options = {}) {
  const root = resolve(options.root ?? here);
  const out = resolve(options.out ?? join(root, "out"));
  const cache = resolve(options.cache ?? process.env.MQTT_LAB_EMBEDDED_CACHE ?? join(root, "../../.cache/embedded"));
  const progress = options.progress ?? (() => {});
  const stamp = stampOf(root);
  if (!options.force && isCurrent(out, stamp)) return false;
  return withLock(join(cache, "build.lock"), progress, async () => {
    if (!options.force && isCurrent(out, stamp)) return false;
    if (options.force) rmSync(join(cache, "zig"), { recursive: true, force: true });
    await buildNow({ root, out, cache, stamp, progress });
    return true;
  });
}

export { BuildFault };

const REMAINS = "Docker or a mosquitto of this machine's own still run the labs: npm run doctor says which is here";

const HELP = `npm run embedded [-- --force | --licences | --help]

Builds Mosquitto and its programs to WebAssembly into kernel-helpers/embedded/out, when something changed.
  --force      builds from nothing
  --licences   shows the notices of all that is in the programs

Needs Python 3.8 or newer with venv. The compiler comes from PyPI, the sources from this machine's Debian mirror or from
upstream's archive of the tag (this last way was tested against a server of our own, never against upstream itself).
  MQTT_LAB_SOURCES=FOLDER          takes the sources' archives from a folder, and from nowhere else
  MQTT_LAB_UPSTREAM=URL            another server with upstream's paths, instead of upstream
  MQTT_LAB_EMBEDDED_CACHE=FOLDER   where the compiler and the sources are kept`;

function showLicences() {
  const folder = join(here, "out", "licences");
  if (!existsSync(folder)) {
    console.error("Nothing was built yet.\nTry: npm run embedded");
    return 3;
  }
  for (const file of readdirSync(folder).sort()) {
    const title = file.replace(/\.txt$/, "");
    console.log(`${title}\n${"=".repeat(title.length)}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`);
  }
  return 0;
}

async function buildAndTell(force) {
  const started = performance.now();
  try {
    const built = await build({ force, progress: (line) => console.error(`embedded: ${line}`) });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.error(built ? `embedded: ready after ${seconds} s` : "embedded: everything is up to date");
    return 0;
  } catch (error) {
    if (!(error instanceof BuildFault)) throw error;
    console.error(`The embedded broker was not built: ${error.message}\nTry: ${error.hint}\n${REMAINS}`);
    return 3;
  }
}

async function main(words) {
  const unknown = words.find((word) => !["--force", "--licences", "--help"].includes(word));
  if (unknown) {
    console.error(`unknown word: ${unknown}\nThe right line would be: npm run embedded -- --force`);
    return 2;
  }
  if (words.includes("--help")) {
    console.log(HELP);
    return 0;
  }
  return words.includes("--licences") ? showLicences() : buildAndTell(words.includes("--force"));
}

// No top-level await: CommonJS can then require() this module.
if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).then((code) => {
    process.exitCode = code;
  });
}
