/** Collects the licence notices of all that ends up in the programs. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Texts that live inside other files: the comment at their top is the notice. */
const IN_COMMENTS = [
  ["picohttpparser", "mosquitto", "deps/picohttpparser/picohttpparser.c"],
  ["uthash", "mosquitto", "deps/uthash.h"],
];

/** What zig links in: wasi-libc (with musl and dlmalloc) and parts of LLVM. */
const OF_ZIG = [
  ["zig", "LICENSE"],
  ["wasi-libc", "lib/libc/wasi/LICENSE"],
  ["wasi-libc-MIT", "lib/libc/wasi/LICENSE-MIT"],
  ["wasi-libc-LLVM-exception", "lib/libc/wasi/LICENSE-APACHE-LLVM"],
  ["musl", "lib/libc/musl/COPYRIGHT"],
];

/**
 * The notices that are files of their sources.
 *
 * @param {{ name: string, licences: string[] }[]} pins
 * @param {Record<string, string>} sources folders by name
 * @param {string} folder where the texts go
 */
export function collectNotices(pins, sources, folder) {
  mkdirSync(folder, { recursive: true });
  for (const { name, licences } of pins) {
    for (const file of licences) {
      const text = readFileSync(join(sources[name], file));
      writeFileSync(join(folder, `${name}-${file.replace(/\.\w+$/, "")}.txt`), text);
    }
  }
}

/**
 * Those, what stands in comments, and the compiler's own part.
 *
 * @param {{ name: string, licences: string[] }[]} pins
 * @param {Record<string, string>} sources
 * @param {string} zig path of the program
 * @param {string} folder
 */
export function collectLicences(pins, sources, zig, folder) {
  collectNotices(pins, sources, folder);
  const keep = (name, text) => writeFileSync(join(folder, `${name}.txt`), text);
  for (const [name, source, file] of IN_COMMENTS) {
    const text = readFileSync(join(sources[source], file), "utf8");
    keep(name, `${text.slice(0, text.indexOf("*/") + 2)}\n`);
  }
  for (const [name, file] of OF_ZIG) keep(name, readFileSync(join(dirname(zig), file)));
}
