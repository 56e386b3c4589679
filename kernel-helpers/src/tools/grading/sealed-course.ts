/** What a sealed kernel finds of the course: packages, compiled helpers, pristine notebooks, material. No answers. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, sep } from "node:path";
import type Docker from "dockerode";
import { filledVolume, removeOldVolumes, sealedImage } from "../../brokers/docker/sealed";
import { pack, type TarFile } from "../../brokers/tar";
import { withLock } from "../../core/lock";
import { courseRoot } from "../../core/paths";
import { currentSession } from "../../core/session";
import { notebooksFolder } from "../../lab/lesson-files";

/** Where it lies inside. */
export const SEALED_ROOT = "/course/app";
/** Types that cells are compiled against, although the course itself needs them only to be built. */
const TYPES = ["node_modules/@types/node", "node_modules/undici-types", "node_modules/@types/ws"];
/** Parts of packages that a kernel never opens. */
const NEVER = /(^|\/)(darwin|win32|test|tests|docs|examples)\/|\.(map|md|markdown)$/;

/** The volume with the course, made when this course's is not there yet. Returns its name. */
export async function sealedCourse(docker: Docker, say?: (line: string) => void): Promise<string> {
  await sealedImage(docker, say);
  const own = courseFiles();
  const hash = createHash("sha256").update(readFileSync(join(courseRoot, "package-lock.json")));
  hash.update(`${courseRoot}\0${notebooksFolder()}\0`);
  for (const { path, content } of own) hash.update(`${path}\0${content.length}\0`).update(content);
  const name = `mqtt-notebooks-${currentSession().uid}-grading-${hash.digest("hex").slice(0, 12)}`;
  const archive = () => pack([...own, ...packageFiles()], { uid: 0, gid: 0 });
  const finish = "ln -s ../kernel-helpers node_modules/kernel-helpers && mkdir -p work && chmod -R a+rX,go-w .";
  // Two copies of the course on one machine keep their volumes apart.
  const owner = `grading-${createHash("sha256").update(`${courseRoot}\0${notebooksFolder()}`).digest("hex").slice(0, 12)}`;
  await withLock("grading-volume", async () => {
    await filledVolume(docker, { name, owner, at: SEALED_ROOT }, archive, finish);
    await removeOldVolumes(docker, owner, name);
  });
  return name;
}

function courseFiles(): TarFile[] {
  const folder = notebooksFolder();
  const notebooks = readdirSync(folder).filter((file) => file.endsWith(".ipynb"));
  const material = join(courseRoot, "notebooks", "material");
  return [
    fileAt(join(courseRoot, "kernel-helpers", "package.json"), "kernel-helpers/package.json"),
    ...filesBelow(join(courseRoot, "kernel-helpers", "dist"), "kernel-helpers/dist"),
    ...notebooks.map((file) => fileAt(join(folder, file), `notebooks/${file}`)),
    ...(existsSync(material) ? filesBelow(material, "notebooks/material") : []),
    fileAt(join(courseRoot, "certs", "profiles.json"), "certs/profiles.json"),
  ];
}

/** Of node_modules what the lock file does not call a tool of development. */
function packageFiles(): TarFile[] {
  const lock = JSON.parse(readFileSync(join(courseRoot, "package-lock.json"), "utf8")) as {
    packages: Record<string, { dev?: boolean; link?: boolean }>;
  };
  const wanted = Object.entries(lock.packages)
    .filter(([path, one]) => path.startsWith("node_modules/") && !one.link && (!one.dev || TYPES.includes(path)))
    .map(([path]) => path)
    .filter((path) => existsSync(join(courseRoot, path)));
  return wanted.flatMap((path) => filesBelow(join(courseRoot, path), path, "node_modules"));
}

/** @param except a folder's name that is not entered. */
function filesBelow(folder: string, as: string, except?: string): TarFile[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    const name = `${as}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === except ? [] : filesBelow(path, name, except);
    return entry.isFile() && !NEVER.test(name.split(sep).join("/")) ? [fileAt(path, name)] : [];
  });
}

const fileAt = (file: string, path: string): TarFile => ({
  path,
  content: readFileSync(file),
  mode: statSync(file).mode & 0o111 ? 0o755 : 0o644,
});
