/** The folders that set-up and the tools have made; all come back by themselves. The learner's notebooks are not among them. */
import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { courseRoot } from "../../core/paths";
import type { Item } from "./engine-items";

/** Last what this very program runs from. */
const folders = [
  "certs/out",
  "site/dist",
  "kernel-helpers/embedded/out",
  "kernel-helpers/dist-test",
  ".venv",
  ".cache",
  "kernel-helpers/dist",
  "node_modules",
];

export async function folderItems(root = courseRoot): Promise<Item[]> {
  const items: Item[] = [];
  for (const folder of folders) {
    const path = join(root, folder);
    const bytes = await diskUse(path);
    if (bytes === undefined) continue;
    items.push({ what: folder, bytes, remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) });
  }
  return items;
}

/** Bytes that a tree takes on disk, hard links counted once; undefined when there is none. Links are not followed. */
async function diskUse(path: string, seen = new Set<string>()): Promise<number | undefined> {
  const stat = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (!stat) return undefined;
  const own = stat.blocks ? stat.blocks * 512 : stat.size;
  if (!stat.isDirectory()) {
    if (stat.nlink === 1) return own;
    const id = `${stat.dev}:${stat.ino}`;
    if (seen.has(id)) return 0;
    seen.add(id);
    return own;
  }
  let sum = own;
  for (const name of await readdir(path)) sum += (await diskUse(join(path, name), seen)) ?? 0;
  return sum;
}
