/** Reads .tar.gz archives without a tar program, and names their content by a hash that no archiver's habits change. */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { BuildFault } from "./fault.mjs";

const BLOCK = 512;
const REGULAR = new Set(["0", "\0", "7"]);

const text = (bytes) => bytes.subarray(0, bytes.indexOf(0) < 0 ? bytes.length : bytes.indexOf(0)).toString("utf8");

/** The "path" record of a pax header, if it has one. */
function paxPath(bytes) {
  for (let at = 0; at < bytes.length; ) {
    const length = Number.parseInt(bytes.subarray(at).toString("latin1"), 10);
    if (!(length > 0)) return undefined;
    const record = bytes.subarray(at, at + length - 1).toString("utf8");
    const match = /^\d+ path=(.*)$/s.exec(record);
    if (match) return match[1];
    at += length;
  }
  return undefined;
}

/** A path that stays below the folder it is unpacked into, without the archive's first folder; null for that folder. */
function insidePath(path) {
  const parts = path.split("/").filter((part) => part && part !== ".");
  if (parts.includes("..") || path.includes("\\")) {
    throw new BuildFault(`an archive holds a path that leads out of it: ${path}`, "get the archive from another place");
  }
  return parts.length > 1 ? parts.slice(1).join("/") : null;
}

/**
 * The regular files of a .tar.gz by path, without the first folder of each path (every archiver names it otherwise).
 * Links and folders are left out: nothing is built from them.
 *
 * @param {Buffer} archive
 * @returns {Map<string, Buffer>}
 */
export function readArchive(archive) {
  const tar = gunzipSync(archive);
  const files = new Map();
  let longPath;
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0; ) {
    const header = tar.subarray(at, at + BLOCK);
    const size = Number.parseInt(text(header.subarray(124, 136)).trim() || "0", 8);
    if (!Number.isInteger(size) || size < 0) throw new Error("the archive is damaged");
    const body = tar.subarray(at + BLOCK, at + BLOCK + size);
    const type = String.fromCharCode(header[156]);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (type === "x" || type === "L") {
      longPath = type === "L" ? text(body) : paxPath(body);
      continue;
    }
    if (type === "g") continue;
    const prefix = text(header.subarray(345, 500));
    const path = insidePath(longPath ?? (prefix ? `${prefix}/` : "") + text(header.subarray(0, 100)));
    longPath = undefined;
    if (path && REGULAR.has(type)) files.set(path, body);
  }
  return files;
}

/**
 * SHA-256 over the sorted paths and their bytes.
 *
 * @param {Map<string, Buffer>} files
 */
export function contentHash(files) {
  const hash = createHash("sha256");
  for (const path of [...files.keys()].sort()) {
    const bytes = files.get(path);
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

/**
 * @param {Map<string, Buffer>} files
 * @param {string} folder
 */
export function writeFiles(files, folder) {
  for (const [path, bytes] of files) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, bytes);
  }
}
