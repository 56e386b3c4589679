/** Makes the images: built from docker/<name>/ at first use, again when that folder changes. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type Docker from "dockerode";
import { LabError } from "../../core/errors";
import { withLock } from "../../core/lock";
import { courseRoot } from "../../core/paths";
import type { Progress } from "../engine";
import type { MosquittoRelease } from "../spec";
import { pack, type TarFile } from "../tar";
import { call, engineError, LABEL, statusOf } from "./client";

/** An image that is there: its id, and the Mosquitto it is meant to hold (null when only running it can tell). */
export interface ReadyImage {
  readonly id: string;
  readonly name: string;
  readonly version: string | null;
}

interface Recipe {
  readonly name: string;
  readonly folder: string;
  readonly args: Record<string, string>;
  readonly version: string | null;
}

/** What docker/mosquitto/Dockerfile says of a release: the Debian it comes from and the version that is in it. */
export function releases(): { release: string; debian: string; version: string }[] {
  const text = readFileSync(join(courseRoot, "docker", "mosquitto", "Dockerfile"), "utf8");
  return [...text.matchAll(/^# release (\S+) = (\S+), (\S+)$/gm)].map((row) => ({
    release: row[1]!,
    debian: row[2]!,
    version: row[3]!,
  }));
}

/** The image of a Mosquitto release, or the one that MQTT_LAB_MOSQUITTO_IMAGE names. */
export async function mosquittoImage(
  docker: Docker,
  release: MosquittoRelease,
  progress?: Progress,
): Promise<ReadyImage> {
  const named = process.env.MQTT_LAB_MOSQUITTO_IMAGE;
  if (named) return pulledImage(docker, named, progress);
  const row = releases().find((one) => one.release === release);
  if (!row)
    throw new LabError("BAD_ARGUMENT", `no image is made for release ${release}`, "see docker/mosquitto/Dockerfile");
  const args = { DEBIAN: row.debian };
  return builtImage(
    docker,
    { name: `mqtt-notebooks/mosquitto:${release}`, folder: "mosquitto", args, version: row.version },
    progress,
  );
}

/** The image of a service: any folder of docker/ with a Dockerfile. */
export async function serviceImage(docker: Docker, folder: string, progress?: Progress): Promise<ReadyImage> {
  return builtImage(docker, { name: `mqtt-notebooks/${folder}:latest`, folder, args: {}, version: null }, progress);
}

const underWay = new Map<string, Promise<ReadyImage>>();

/** Looks for the image, builds it when it is missing or of another recipe; once, however many ask at once. */
async function builtImage(docker: Docker, recipe: Recipe, progress?: Progress): Promise<ReadyImage> {
  const files = recipeFiles(recipe.folder);
  const source = sourceHash(files, recipe.args);
  const there = await existing(docker, recipe, source);
  if (there) return there;
  const running = underWay.get(recipe.name);
  if (running) return running;
  const build = withLock(`image-${recipe.name.replace(/[^a-z0-9.]+/g, "-")}`, async () => {
    return (await existing(docker, recipe, source)) ?? (await buildImage(docker, recipe, files, source, progress));
  }).finally(() => underWay.delete(recipe.name));
  underWay.set(recipe.name, build);
  return build;
}

async function existing(docker: Docker, recipe: Recipe, source: string): Promise<ReadyImage | null> {
  const image = await inspect(docker, recipe.name);
  return image?.Config?.Labels?.[LABEL.source] === source ? { ...recipe, id: image.Id } : null;
}

async function inspect(docker: Docker, name: string): Promise<Docker.ImageInspectInfo | null> {
  try {
    return await docker.getImage(name).inspect();
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw engineError(error, "looking for an image");
  }
}

async function buildImage(
  docker: Docker,
  recipe: Recipe,
  files: TarFile[],
  source: string,
  progress?: Progress,
): Promise<ReadyImage> {
  const began = Date.now();
  progress?.(`building ${recipe.name} from docker/${recipe.folder} (once; about half a minute)`);
  const old = await inspect(docker, recipe.name);
  const proxies = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
  const fromHere = Object.fromEntries(proxies.filter((key) => process.env[key]).map((key) => [key, process.env[key]!]));
  const said: string[] = [];
  try {
    const stream = await docker.buildImage(pack(files, { uid: 0, gid: 0 }) as unknown as NodeJS.ReadableStream, {
      t: recipe.name,
      buildargs: { ...fromHere, ...recipe.args },
      labels: { [LABEL.source]: source },
      rm: true,
      forcerm: true,
    });
    await follow(docker, stream, (line) => {
      said.push(line);
      if (/^Step \d+/.test(line)) progress?.(`  ${line.replace(/\s+/g, " ").slice(0, 100)}`);
    });
  } catch (error) {
    throw unavailable(recipe.name, error, said);
  }
  const built = await inspect(docker, recipe.name);
  if (!built) throw unavailable(recipe.name, new Error("the engine built nothing"), said);
  if (old && old.Id !== built.Id) await docker.getImage(old.Id).remove().catch(ignoreInUse);
  progress?.(`built ${recipe.name} in ${Math.round((Date.now() - began) / 1000)} s`);
  return { ...recipe, id: built.Id };
}

/** An older image that a container still uses stays until somebody prunes. */
function ignoreInUse(error: unknown): void {
  if (statusOf(error) !== 409 && statusOf(error) !== 404) throw error;
}

interface BuildMessage {
  stream?: string;
  status?: string;
  error?: string;
}

function follow(docker: Docker, stream: NodeJS.ReadableStream, line: (text: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    docker.modem.followProgress(
      stream,
      (error: Error | null) => (error ? reject(error) : resolve()),
      ({ stream: text, status, error }: BuildMessage) => {
        for (const part of (text ?? status ?? error ?? "").split("\n")) if (part.trim()) line(part.trimEnd());
        if (error) reject(new Error(error));
      },
    );
  });
}

async function pulledImage(docker: Docker, name: string, progress?: Progress): Promise<ReadyImage> {
  const there = await inspect(docker, name);
  if (there) return { id: there.Id, name, version: null };
  progress?.(`pulling ${name}`);
  const said: string[] = [];
  try {
    await follow(docker, await docker.pull(name), (line) => said.push(line));
  } catch (error) {
    throw unavailable(name, error, said);
  }
  const image = await inspect(docker, name);
  if (!image) throw unavailable(name, new Error("the engine pulled nothing"), said);
  return { id: image.Id, name, version: null };
}

function unavailable(name: string, error: unknown, said: readonly string[]): unknown {
  const known = engineError(error, `making ${name}`);
  if (known instanceof LabError) return known;
  const reason = String((error as Error).message ?? error).trim();
  const offline = /pull access denied|manifest|lookup|dial tcp|timeout|registry|Unable to fetch|Temporary failure/i;
  const hint = offline.test([reason, ...said.slice(-15)].join("\n"))
    ? "connect this machine to the internet and run the cell again; without a registry, on Debian: sudo sh docker/engine-up.sh"
    : "mend what the last lines name, then run the cell again; it goes on from there";
  return new LabError(
    "IMAGE_UNAVAILABLE",
    `the image ${name} is not here and could not be made: ${reason}\n${said.slice(-8).join("\n")}`.trimEnd(),
    hint,
    { cause: error },
  );
}

/** The files of docker/<folder>, in the order of their names. */
function recipeFiles(folder: string): TarFile[] {
  const root = join(courseRoot, "docker", folder);
  let names: string[];
  try {
    names = (readdirSync(root, { recursive: true }) as string[]).sort();
  } catch (error) {
    throw new LabError("BAD_ARGUMENT", `there is no folder docker/${folder}`, "name a folder of docker/", {
      cause: error,
    });
  }
  return names
    .filter((name) => statSync(join(root, name)).isFile())
    .map((name) => ({
      path: name,
      content: readFileSync(join(root, name)),
      mode: statSync(join(root, name)).mode & 0o111 ? 0o755 : 0o644,
    }));
}

function sourceHash(files: readonly TarFile[], args: Record<string, string>): string {
  const hash = createHash("sha256").update(JSON.stringify(args));
  for (const file of files) hash.update(`${file.path}\0${file.mode}\0${file.content.length}\0`).update(file.content);
  return hash.digest("hex").slice(0, 16);
}

/** Which releases have their image already. */
export async function builtReleases(docker: Docker): Promise<Set<string>> {
  const rows = await call("listing images", () => docker.listImages({ filters: { label: [LABEL.source] } }));
  const tags = new Set(rows.flatMap((row) => row.RepoTags ?? []));
  return new Set(
    releases()
      .map((row) => row.release)
      .filter((release) => tags.has(`mqtt-notebooks/mosquitto:${release}`)),
  );
}
