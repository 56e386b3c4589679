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
 * @param {{ name: string, licences: string[] }[]} pins
 * @param {Record<string, string>} sources folders by name
 * @param {string} zig path of the program
 * @param {string} folder where the texts go
 */
export function collectLicences(pins, sources, zig, folder) {
  mkdirSync(folder, { recursive: true });
  const keep = (name, text) => writeFileSync(join(folder, `${name}.txt`), text);
  for (const pin of pins) {
    for (const file of pin.licences) {
      keep(`${pin.name}-${file.replace(/\.\w+$/, "")}`, readFileSync(join(sources[pin.name], file)));
    }
  }
  for (const [name, source, file] of IN_COMMENTS) {
    const text = readFileSync(join(sources[source], file), "utf8");
    keep(name, `${text.slice(0, text.indexOf("*/") + 2)}\n`);
  }
  for (const [name, file] of OF_ZIG) keep(name, readFileSync(join(dirname(zig), file)));
}
