#!/usr/bin/env node
/**
 * Builds Mosquitto and its programs to WebAssembly, from pinned sources with a pinned compiler. Needs Node and Python
 * with venv; no shell, no C compiler, no root. Nothing of Mosquitto's is changed or kept in this repository.
 *
 *   node build.mjs [--tls] [--force] | --licences | --help
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "./build/compile.mjs";
import { BuildFault } from "./build/fault.mjs";
import { collectLicences, collectNotices } from "./build/licences.mjs";
import { withLock } from "./build/lock.mjs";
import { bringOpenssl } from "./build/openssl.mjs";
import { bringSources } from "./build/sources.mjs";
import { bringZig } from "./build/toolchain.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** A hash over all that the result depends on: the pins, the shim and this program. */
function stampOf(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(c|h|mjs|pl|json|txt)$/.test(entry.name))
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

/** Compiles into `out`: the programs without TLS, or those with it. */
async function buildNow({ root, out, cache, stamp, tls, progress }) {
  const pins = JSON.parse(readFileSync(join(root, "pins.json"), "utf8"));
  const zig = await bringZig(join(root, "requirements.txt"), join(cache, "toolchain"), progress);
  const shim = join(root, "shim");
  const { openssl, ...sources } = await bringSources(
    [...pins.sources, ...(tls ? pins.tls : [])],
    join(cache, "sources"),
    progress,
  );
  const [source] = pins.tls;
  const kept = { libraries: join(cache, "libraries"), zig: join(cache, "zig") };
  const library = tls && (await bringOpenssl({ source, folder: openssl, zig, cache: kept, shim, progress }));
  const work = join(cache, "work");
  const programs = await compile({ zig, work, cache: kept.zig, shim, sources, openssl: library, progress });
  const fresh = join(work, "out");
  if (tls) collectNotices([source], { openssl }, join(fresh, "licences"));
  else collectLicences(pins.sources, sources, zig, join(fresh, "licences"));
  const manifest = { stamp, mosquitto: pins.sources[0].version, programs: {} };
  if (tls) manifest.openssl = source.version;
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
 * The programs with TLS are in a folder inside of `out`: a new build of the others takes them away, so that what is
 * there is always of one make.
 *
 * @param {{ tls?: boolean, force?: boolean, out?: string, cache?: string, root?: string, progress?: (line: string) => void }} [options]
 *   `tls`: those with TLS as well; folders of its own for tests; `progress` gets a line for each step
 * @throws {BuildFault} with nothing half done
 */
export async function build(options = {}) {
  const root = resolve(options.root ?? here);
  const out = resolve(options.out ?? join(root, "out"));
  const cache = resolve(options.cache ?? process.env.MQTT_LAB_EMBEDDED_CACHE ?? join(root, "../../.cache/embedded"));
  const progress = options.progress ?? (() => {});
  const stamp = stampOf(root);
  const parts = [{ out, tls: false }, ...(options.tls ? [{ out: join(out, "tls"), tls: true }] : [])];
  const missing = () => parts.filter((part) => options.force || !isCurrent(part.out, stamp));
  if (!missing().length) return false;
  return withLock(join(cache, "build.lock"), progress, async () => {
    const todo = missing();
    if (options.force) {
      for (const name of ["zig", "libraries"]) rmSync(join(cache, name), { recursive: true, force: true });
    }
    for (const part of todo) await buildNow({ root, cache, stamp, progress, ...part });
    return todo.length > 0;
  });
}

export { BuildFault };

const REMAINS = "Docker or a mosquitto of this machine's own still run the labs: npm run doctor says which is here";

const HELP = `npm run embedded [-- --tls | --force | --licences | --help]

Builds Mosquitto and its programs to WebAssembly into kernel-helpers/embedded/out, when something changed.
  --tls        those with TLS as well (with OpenSSL, once a minute or two); a broker that needs them asks for it itself
  --force      builds from nothing
  --licences   shows the notices of all that is in the programs

Needs Python 3.8 or newer with venv, and perl for --tls. The compiler comes from PyPI, the sources from this machine's
Debian mirror or from upstream's archives; this last way was tested against a server of our own, never against upstream
itself.
  MQTT_LAB_SOURCES=FOLDER          takes the sources' archives from a folder, and from nowhere else
  MQTT_LAB_UPSTREAM=URL            another server with upstream's paths, instead of upstream
  MQTT_LAB_EMBEDDED_CACHE=FOLDER   where the compiler, the sources and OpenSSL's libraries are kept`;

function showLicences() {
  const folders = [join(here, "out", "licences"), join(here, "out", "tls", "licences")].filter((one) =>
    existsSync(one),
  );
  if (!folders.length) {
    console.error("Nothing was built yet.\nTry: npm run embedded");
    return 3;
  }
  for (const folder of folders) {
    for (const file of readdirSync(folder).sort()) {
      const title = file.replace(/\.txt$/, "");
      console.log(`${title}\n${"=".repeat(title.length)}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`);
    }
  }
  return 0;
}

async function buildAndTell(options) {
  const started = performance.now();
  try {
    const built = await build({ ...options, progress: (line) => console.error(`embedded: ${line}`) });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.error(built ? `embedded: ready after ${seconds} s` : "embedded: everything is up to date");
    return 0;
  } catch (error) {
    if (!(error instanceof BuildFault)) throw error;
    const what = options.tls ? "with TLS was" : "was";
    console.error(`The embedded broker ${what} not built: ${error.message}\nTry: ${error.hint}\n${REMAINS}`);
    return 3;
  }
}

/** A program that asks for a build may be killed: then its end of our standard input closes, and nobody waits any more. */
function endWithWhoeverAsked() {
  for (const event of ["end", "error"]) process.stdin.once(event, () => process.exit(130));
  process.stdin.resume();
  process.stdin.unref?.();
}

const WORDS = ["--tls", "--force", "--licences", "--help", "--asked"];

async function main(words) {
  const unknown = words.find((word) => !WORDS.includes(word));
  if (unknown) {
    console.error(`unknown word: ${unknown}\nThe right line would be: npm run embedded -- --force`);
    return 2;
  }
  if (words.includes("--help")) {
    console.log(HELP);
    return 0;
  }
  if (words.includes("--licences")) return showLicences();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(130));
  if (words.includes("--asked")) endWithWhoeverAsked();
  return buildAndTell({ tls: words.includes("--tls"), force: words.includes("--force") });
}

// No top-level await: CommonJS can then require() this module.
if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).then((code) => {
    process.exitCode = code;
  });
}
