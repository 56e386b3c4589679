/** Stamps: a step whose inputs have not changed since it last succeeded is skipped. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { cache, root } from "./folders.mjs";

const stampFile = (id) => join(cache, "setup", `${id}.stamp`);

export function stamped(id, inputs) {
  try {
    return readFileSync(stampFile(id), "utf8") === inputs;
  } catch {
    return false;
  }
}

/** Whole or not at all: a stamp that an interrupted write cut short would fit nothing. */
export function stamp(id, inputs) {
  mkdirSync(join(cache, "setup"), { recursive: true });
  const file = stampFile(id);
  writeFileSync(`${file}.${process.pid}`, inputs);
  renameSync(`${file}.${process.pid}`, file);
}

export const unstamp = (id) => rmSync(stampFile(id), { force: true });

/** A hash of words, and of files by name and content (absent files count as such); the same wherever the course lies. */
export function hashOf({ words = [], files = [] }) {
  const hash = createHash("sha256");
  for (const word of words) hash.update(`${word}\0`);
  for (const file of files) {
    hash.update(`${relative(root, file)}\0`);
    try {
      hash.update(readFileSync(file));
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
      hash.update("absent");
    }
  }
  return hash.digest("hex");
}

/** The files below a folder, in name order; none when there is no such folder. */
export function filesBelow(folder, keep = () => true) {
  let entries;
  try {
    entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => keep(relative(folder, file)))
    .sort();
}
