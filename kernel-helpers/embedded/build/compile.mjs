/** Compiles the programs. Everything happens in a work folder with relative paths, so its place leaves no trace. */

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { BuildFault } from "./fault.mjs";
import { lastLines, run } from "./run.mjs";
import { flagsOf, OPENSSL_HEADERS, plainTargets, tlsTargets } from "./targets.mjs";

const STACK = 256 * 1024;
/** What OpenSSL puts on it: certificate chains and big numbers. */
const TLS_STACK = 1024 * 1024;
const MEMORY_LIMIT = 1024 * 1024 * 1024;

/** A fresh work folder with sources, shim, and OpenSSL or the headers that stand in for its own. */
function prepare(work, sources, shim, openssl) {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, "stubs/cjson"), { recursive: true });
  mkdirSync(join(work, "stand-ins/openssl"), { recursive: true });
  for (const header of OPENSSL_HEADERS) {
    writeFileSync(join(work, `stand-ins/openssl/${header}.h`), '#include "crypto.h"\n');
  }
  if (openssl) cpSync(openssl, join(work, "openssl"), { recursive: true });
  for (const [name, folder] of Object.entries(sources)) cpSync(folder, join(work, name), { recursive: true });
  writeFileSync(join(work, "stubs/cjson/cJSON.h"), readFileSync(join(work, "cjson/cJSON.h")));
  cpSync(shim, join(work, "shim"), { recursive: true });
}

function zigArguments(target, libraries, jobs) {
  const model = target.reactor ? ["-mexec-model=reactor", "--export=malloc", "--export=free"] : [];
  const common = flagsOf(target);
  const files = target.groups.flatMap(([flags, list]) => ["-cflags", ...common, ...flags, "--", ...list]);
  return [
    "build-exe",
    ...["-target", "wasm32-wasi", "-mcpu=generic+bulk_memory", "-O", "ReleaseSmall", "-fstrip", `-j${jobs}`],
    ...["-lc", "-lwasi-emulated-signal", "-lwasi-emulated-getpid"],
    ...["--stack", String(target.tls ? TLS_STACK : STACK), `--max-memory=${MEMORY_LIMIT}`],
    ...["--name", target.name, `-femit-bin=out/${target.name}.wasm`],
    ...model,
    ...files,
    ...libraries,
  ];
}

/**
 * Compiles the programs into `work/out`: those without TLS, or with a folder of OpenSSL's those with it.
 *
 * @param {{ zig: string, work: string, cache: string, shim: string, sources: Record<string, string>, openssl?: string, progress: (line: string) => void }} options
 * @returns {Promise<string[]>} the programs' names
 */
export async function compile({ zig, work, cache, shim, sources, openssl, progress }) {
  prepare(work, sources, shim, openssl);
  mkdirSync(join(work, "out"));
  const env = { ...process.env, ZIG_GLOBAL_CACHE_DIR: cache, ZIG_LOCAL_CACHE_DIR: cache };
  const all = openssl ? tlsTargets(work) : plainTargets(work);
  const libraries = openssl
    ? readdirSync(join(work, "openssl/lib"))
        .map((name) => `openssl/lib/${name}`)
        .sort()
    : [];
  const jobs = availableParallelism();
  let begun = 0;
  const one = async (target) => {
    progress(`compiling ${target.name}${target.tls ? " with TLS" : ""} (${++begun} of ${all.length})`);
    const started = performance.now();
    const result = await run(zig, zigArguments(target, libraries, jobs), { cwd: work, env });
    if (result.code !== 0) {
      throw new BuildFault(
        `${target.name} did not compile:\n${lastLines(result.stderr, 20)}`,
        "run npm run embedded -- --force, which begins from nothing; if it fails again, report the lines above",
      );
    }
    const size = Math.round(statSync(join(work, `out/${target.name}.wasm`)).size / 1024);
    progress(`${target.name}: ${size} kB in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  };
  // The first brings the C library into the cache. The others spend half their time in a link on one core.
  const [first, ...others] = all;
  await one(first);
  const lane = async () => {
    for (let next = others.shift(); next; next = others.shift()) await one(next);
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(jobs, 4) }, lane));
  for (const each of lanes) if (each.status === "rejected") throw each.reason;
  return all.map((target) => target.name);
}
