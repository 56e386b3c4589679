/**
 * Brings the pinned sources. A source is its content's hash, so it may come from anywhere: a folder that the user
 * names, the Debian mirror that this machine uses, or upstream's archive of the tag.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { contentHash, readArchive, writeFiles } from "./archive.mjs";
import { BuildFault } from "./fault.mjs";
import { lastLines, run } from "./run.mjs";

/** @typedef {{ name: string, version: string, content: string, debian: string, upstream: string, files: string[], licences: string[], leaveOut?: string[] }} Source */
/** @typedef {{ what: string, get(source: Source): Promise<Buffer> }} Place */

const UPSTREAM = "https://github.com";
const DOWNLOAD_TIMEOUT = 120_000;

/** Archives in a folder, under any of the names they usually have. */
const folderPlace = (folder) => ({
  what: `the folder ${folder} (MQTT_LAB_SOURCES)`,
  async get(source) {
    const path = source.files.map((file) => join(folder, file)).find((file) => existsSync(file));
    if (!path) throw new Error(`it has none of ${source.files.join(", ")}`);
    return readFileSync(path);
  },
});

/** apt's own downloader on apt's own mirror: its proxies and addresses hold, and nothing of the system changes. */
const debianPlace = (mirror, folder) => ({
  what: "this machine's Debian mirror",
  async get(source) {
    const target = join(folder, `${source.name}.download`);
    const helper = ["/usr/lib/apt/apt-helper", "/usr/libexec/apt/apt-helper"].find((path) => existsSync(path));
    if (!helper) throw new Error("apt-helper is not installed");
    try {
      const result = await run(helper, ["download-file", `${mirror}/${source.debian}`, target]);
      if (result.code !== 0) throw new Error(lastLines(result.stderr || result.stdout, 2));
      return readFileSync(target);
    } finally {
      for (const left of [target, `${target}.FAILED`]) rmSync(left, { force: true });
    }
  },
});

const upstreamPlace = (base) => ({
  what: `upstream's archive (${base})`,
  async get(source) {
    const url = `${base.replace(/\/+$/, "")}/${source.upstream}`;
    const reply = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT) });
    if (!reply.ok) throw new Error(`${url} answered ${reply.status}`);
    return Buffer.from(await reply.arrayBuffer());
  },
});

/** The Debian mirrors in this machine's apt settings; none on other systems. */
async function debianMirrors() {
  const result = await run("apt-get", ["indextargets", "--format", "$(SITE)", "Created-By: Packages"]);
  if (result.code !== 0) return [];
  const sites = result.stdout.split("\n").map((site) => site.trim().replace(/\/+$/, ""));
  return [...new Set(sites.filter((site) => site.endsWith("/debian")))];
}

/** Where to look, in order. A folder that the user names is the only place: no surprise from elsewhere. */
async function places(folder) {
  const { MQTT_LAB_SOURCES: own, MQTT_LAB_UPSTREAM: upstream } = process.env;
  if (own) return [folderPlace(own)];
  if (upstream) return [upstreamPlace(upstream)];
  return [...(await debianMirrors()).map((mirror) => debianPlace(mirror, folder)), upstreamPlace(UPSTREAM)];
}

const reasonOf = (error) => {
  const cause = error.cause?.message ?? error.cause?.code;
  return cause ? `${error.message} (${cause})` : error.message;
};

/** The source's files from the first place that has them. */
async function download(source, from, progress) {
  const reasons = [];
  for (const place of from) {
    progress(`downloading ${source.name} ${source.version} from ${place.what}`);
    try {
      const files = readArchive(await place.get(source));
      const content = contentHash(files);
      if (content === source.content) return files;
      reasons.push(
        `${place.what}: wrong checksum, its content is ${content.slice(0, 16)}… and not ${source.content.slice(0, 16)}…`,
      );
    } catch (error) {
      if (error instanceof BuildFault) throw error;
      reasons.push(`${place.what}: ${reasonOf(error)}`);
    }
  }
  throw new BuildFault(
    `the sources of ${source.name} ${source.version} could not be had:\n${reasons.map((reason) => `  - ${reason}`).join("\n")}`,
    `check the network, or put ${source.files[0]} into a folder and name it in MQTT_LAB_SOURCES`,
  );
}

/**
 * Unpacks every pinned source into `folder/NAME-VERSION`, whole or not at all.
 *
 * @param {readonly Source[]} sources
 * @param {string} folder
 * @param {(line: string) => void} progress
 * @returns {Promise<Record<string, string>>} the folder of each source, by name
 */
export async function bringSources(sources, folder, progress) {
  mkdirSync(folder, { recursive: true });
  const folders = {};
  let from;
  for (const source of sources) {
    const target = join(folder, `${source.name}-${source.version}-${source.content.slice(0, 12)}`);
    folders[source.name] = target;
    if (existsSync(target)) continue;
    from ??= await places(folder);
    const files = await download(source, from, progress);
    const half = `${target}.half`;
    rmSync(half, { recursive: true, force: true });
    // What is checked is all of it; what is kept is what the build reads.
    for (const path of files.keys()) if (source.leaveOut?.some((start) => path.startsWith(start))) files.delete(path);
    writeFiles(files, half);
    renameSync(half, target);
  }
  return folders;
}
