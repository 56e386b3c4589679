/**
 * OpenSSL as libraries for WebAssembly: TLS 1.2 and 1.3 with what Mosquitto uses of it, no threads, no assembler. Its
 * sources stay as they are; two of its files give way to the shim (where random bytes come from).
 *
 * Its own Configure (perl) says which files there are and writes the generated ones. Nothing else of its build is used:
 * no make, no C compiler of this machine.
 */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BuildFault } from "./fault.mjs";
import { findPerl } from "./perl.mjs";
import { lastLines, run } from "./run.mjs";

/** A machine without a name in OpenSSL's list: 32 bits, no assembler; numbers are multiplied into 64 bits. */
const PLATFORM = "linux-generic32";

/** Old or rare ciphers, protocols that MQTT doesn't use, and what a WebAssembly module has not. */
const LEFT_OUT =
  "asm shared dso module pinshared threads engine async apps tests docs demos legacy deprecated autoload-config posix-io ui-console secure-memory uplink winstore cms cmp ts ct srp srtp dtls dgram quic nextprotoneg comp ssl-trace rfc3779 multiblock cached-fetch ml-kem ml-dsa slh-dsa dsa ec2m sm2 sm3 sm4 aria camellia seed idea bf cast rc2 rc4 md4 mdc2 rmd160 whirlpool gost siv ocb siphash".split(
    " ",
  );

/** Files of the library that are not compiled: the shim's random.c stands in. */
const REPLACED = /\/rand_(unix|win)\.c$/;

/** These read and write sockets; the others mean files. */
const ON_SOCKETS = /^crypto\/bio\/(bss_sock|bio_sock2?)\.c$/;

const FILES = fileURLToPath(new URL("./openssl-files.pl", import.meta.url));
const SHIM = ["prelude.h", "openssl.h", "openssl_random.c", "include"];
const CHUNKS = 8;

const FLAGS = [
  "-std=gnu99",
  "-w",
  ...["-include", "shim/prelude.h", "-include", "shim/openssl.h"],
  ...["OPENSSL_BUILDING_OPENSSL", "OPENSSL_NO_FILENAMES", "NDEBUG"].map((name) => `-D${name}`),
  ...['-DOPENSSLDIR="/etc/ssl"', '-DENGINESDIR="/none"', '-DMODULESDIR="/none"'],
  ...[
    "shim/include",
    ".",
    "include",
    "crypto",
    "providers/common/include",
    "providers/implementations/include",
    "providers/fips/include",
  ].map((folder) => `-I${folder}`),
];

const hash = (text) => createHash("sha256").update(text).digest("hex");

/** A hash over what the libraries depend on. */
function identity(source, zig, shim) {
  const files = SHIM.flatMap((name) =>
    name.includes(".")
      ? [name]
      : readdirSync(join(shim, name), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(shim.length + 1)),
  );
  const own = files.sort().map((name) => hash(readFileSync(join(shim, name))));
  return hash(
    JSON.stringify([
      source.content,
      zig.split(/[\\/]/).find((part) => part.startsWith("zig-")),
      PLATFORM,
      LEFT_OUT,
      FLAGS,
      own,
    ]),
  );
}

async function perlOrFault(progress) {
  const perl = await findPerl();
  if ("lack" in perl) {
    throw new BuildFault(
      `${perl.lack}, and OpenSSL's configuration needs it`,
      "install perl (npm run doctor gives the command for this system)",
    );
  }
  progress(`configuring OpenSSL with perl ${perl.version}`);
  return async (words, folder) => {
    // The date in buildinf.h would make every build another one.
    const env = { ...process.env, SOURCE_DATE_EPOCH: "0" };
    const result = await run(perl.program, words, { cwd: folder, env });
    if (result.code === 0) return result.stdout;
    throw new BuildFault(
      `OpenSSL could not be configured (perl ${words[0]}):\n${lastLines(result.stderr || result.stdout, 12)}`,
      "run npm run embedded -- --tls --force; if it fails again, report the lines above",
    );
  };
}

/** @returns {Promise<string[]>} the C files to compile */
async function configure(folder, perl) {
  await perl(["Configure", PLATFORM, ...LEFT_OUT.map((name) => `no-${name}`)], folder);
  const { files, made } = JSON.parse(await perl(["-I.", FILES], folder));
  const waiting = Object.entries(made).filter(([target]) => target !== "include/openssl/configuration.h");
  const generate = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [target, { from, modules }] = next;
      // "a/b|C/d.pm" is the module C::d below the folder a/b.
      const used = modules.flatMap((path) => {
        const [base, name] = path.includes("|")
          ? path.split("|")
          : [dirname(path), path.slice(dirname(path).length + 1)];
        return [`-I${base}`, `-M${name.replace(/\.pm$/, "").replaceAll("/", "::")}`];
      });
      const words = from.endsWith(".in")
        ? ["-I.", "-Mconfigdata", ...used, "util/dofile.pl", "-oMakefile", from]
        : [from, "zig cc", "wasm32-wasi"];
      writeFileSync(join(folder, target), await perl(words, folder));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, generate));
  return [...new Set(files)].filter((file) => file.endsWith(".c") && !REPLACED.test(file)).sort();
}

/** An archive per part of the files, so that there is progress to tell. */
async function compileParts({ folder, files, zig, cache, progress }) {
  const env = { ...process.env, ZIG_GLOBAL_CACHE_DIR: cache, ZIG_LOCAL_CACHE_DIR: cache };
  const jobs = availableParallelism();
  const size = Math.ceil(files.length / CHUNKS);
  mkdirSync(join(folder, "lib"));
  for (let part = 0; part * size < files.length; part++) {
    progress(`compiling OpenSSL: ${part * size} of ${files.length} files`);
    const mine = files.slice(part * size, (part + 1) * size);
    const [sockets, others] = [true, false].map((on) => mine.filter((file) => ON_SOCKETS.test(file) === on));
    const groups = [
      [[...FLAGS, "-DSHIM_FILES"], others],
      [FLAGS, sockets],
    ].filter(([, list]) => list.length);
    const words = [
      ...["-target", "wasm32-wasi", "-mcpu=generic+bulk_memory", "-O", "ReleaseSmall", "-fstrip", `-j${jobs}`],
      ...["-lc", "--name", `openssl-${part}`, `-femit-bin=lib/libopenssl-${part}.a`],
      ...groups.flatMap(([flags, list]) => ["-cflags", ...flags, "--", ...list]),
    ];
    const result = await run(zig, ["build-lib", ...words], { cwd: folder, env });
    if (result.code !== 0) {
      throw new BuildFault(
        `OpenSSL did not compile:\n${lastLines(result.stderr, 20)}`,
        "run npm run embedded -- --tls --force, which begins from nothing; if it fails again, report the lines above",
      );
    }
  }
}

/**
 * The libraries and headers, built when they are not there yet.
 *
 * @param {{ source: import("./sources.mjs").Source, folder: string, zig: string, cache: string, shim: string, progress: (line: string) => void }} options
 *   `folder` holds the unpacked sources, `cache.libraries` what was built, `cache.zig` the compiler's store
 * @returns {Promise<string>} a folder with `lib/` and `include/`
 */
export async function bringOpenssl({ source, folder, zig, cache, shim, progress }) {
  const built = join(cache.libraries, `openssl-${source.version}-${identity(source, zig, shim).slice(0, 12)}`);
  if (existsSync(built)) return built;
  const perl = await perlOrFault(progress);
  const started = performance.now();
  const work = `${built}.half`;
  // Those of other sources, flags or compilers, and what an interrupted build left.
  rmSync(cache.libraries, { recursive: true, force: true });
  cpSync(folder, work, { recursive: true });
  const files = await configure(work, perl);
  for (const name of SHIM) cpSync(join(shim, name), join(work, "shim", name), { recursive: true });
  await compileParts({ folder: work, files: [...files, "shim/openssl_random.c"], zig, cache: cache.zig, progress });
  const result = `${built}.new`;
  rmSync(result, { recursive: true, force: true });
  mkdirSync(result);
  renameSync(join(work, "lib"), join(result, "lib"));
  cpSync(join(work, "include", "openssl"), join(result, "include", "openssl"), { recursive: true });
  renameSync(result, built);
  rmSync(work, { recursive: true, force: true });
  progress(
    `OpenSSL ${source.version}: ${files.length} files in ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
  return built;
}
