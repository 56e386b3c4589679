/** Compiles the programs. Everything happens in a work folder with relative paths, so its place leaves no trace. */

import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { BuildFault } from "./fault.mjs";
import { lastLines, run } from "./run.mjs";
import { COMMON_FLAGS, OPENSSL_HEADERS, targets } from "./targets.mjs";

const STACK = 256 * 1024;
const MEMORY_LIMIT = 1024 * 1024 * 1024;

/** A fresh work folder with sources, shim and the headers that stand in for OpenSSL's. */
function prepare(work, sources, shim) {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, "stubs/openssl"), { recursive: true });
  mkdirSync(join(work, "stubs/cjson"), { recursive: true });
  for (const header of OPENSSL_HEADERS) writeFileSync(join(work, `stubs/openssl/${header}.h`), '#include "crypto.h"\n');
  for (const [name, folder] of Object.entries(sources)) cpSync(folder, join(work, name), { recursive: true });
  writeFileSync(join(work, "stubs/cjson/cJSON.h"), readFileSync(join(work, "cjson/cJSON.h")));
  cpSync(shim, join(work, "shim"), { recursive: true });
}

function zigArguments(target, jobs) {
  const model = target.reactor ? ["-mexec-model=reactor", "--export=malloc", "--export=free"] : [];
  const files = target.groups.flatMap(([flags, list]) => ["-cflags", ...COMMON_FLAGS, ...flags, "--", ...list]);
  return [
    "build-exe",
    ...["-target", "wasm32-wasi", "-mcpu=generic+bulk_memory", "-O", "ReleaseSmall", "-fstrip", `-j${jobs}`],
    ...["-lc", "-lwasi-emulated-signal", "-lwasi-emulated-getpid"],
    ...["--stack", String(STACK), `--max-memory=${MEMORY_LIMIT}`],
    ...["--name", target.name, `-femit-bin=out/${target.name}.wasm`],
    ...model,
    ...files,
  ];
}

/**
 * Compiles every program into `work/out`.
 *
 * @param {{ zig: string, work: string, cache: string, shim: string, sources: Record<string, string>, progress: (line: string) => void }} options
 * @returns {Promise<string[]>} the programs' names
 */
export async function compile({ zig, work, cache, shim, sources, progress }) {
  prepare(work, sources, shim);
  mkdirSync(join(work, "out"));
  const env = { ...process.env, ZIG_GLOBAL_CACHE_DIR: cache, ZIG_LOCAL_CACHE_DIR: cache };
  const all = targets(work);
  const jobs = availableParallelism();
  for (const [index, target] of all.entries()) {
    progress(`compiling ${target.name} (${index + 1} of ${all.length})`);
    const started = performance.now();
    const result = await run(zig, zigArguments(target, jobs), { cwd: work, env });
    if (result.code !== 0) {
      throw new BuildFault(
        `${target.name} did not compile:\n${lastLines(result.stderr, 20)}`,
        "run npm run embedded -- --force, which begins from nothing; if it fails again, report the lines above",
      );
    }
    const size = Math.round(statSync(join(work, `out/${target.name}.wasm`)).size / 1024);
    progress(`${target.name}: ${size} kB in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  }
  return all.map((target) => target.name);
}
