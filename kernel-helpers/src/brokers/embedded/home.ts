/** Where an embedded broker's files are: folders of the lab's that it sees as the official image's layout. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { orDiskFull } from "../../core/disk-full";
import { LabError } from "../../core/errors";
import { cachePath } from "../../core/paths";
import type { Scope } from "../../core/scope";
import { CONF_PATH, type PlannedFile } from "../plan";
import { FileError, resolvePath } from "./core/files";
import { FolderFiles, type Mount } from "./node/folder-files";

const FOLDERS = ["mosquitto/config", "mosquitto/data", "mosquitto/log", "tmp"];
let homes = 0;

/** Named volumes outlive their lab. */
export const volumeFolder = (lab: string, volume: string): string => cachePath("volumes", lab, volume);

export class Home {
  readonly folder: string;
  readonly mounts: readonly Mount[];
  readonly files: FolderFiles;
  readonly #letGo: () => void;

  /** @param volume the folder that stands for /mosquitto/data, or null for one that goes with the home. */
  constructor(scope: Scope, name: string, volume: string | null) {
    this.folder = join(scope.folder, `${name}-${++homes}`);
    this.#letGo = scope.guard.hold({ kind: "folder", path: this.folder });
    this.mounts = [{ at: "/", folder: this.folder }];
    if (volume !== null) this.mounts = [...this.mounts, { at: "/mosquitto/data", folder: volume }];
    try {
      for (const folder of FOLDERS) mkdirSync(join(this.folder, folder), { recursive: true, mode: 0o700 });
      if (volume !== null) mkdirSync(volume, { recursive: true, mode: 0o700 });
    } catch (error) {
      this.remove();
      throw orDiskFull(error, this.folder);
    }
    this.files = new FolderFiles(this.mounts);
  }

  put(files: readonly PlannedFile[], conf: string | null): void {
    const all = [...files];
    if (conf !== null) all.push({ path: CONF_PATH, content: new TextEncoder().encode(conf), mode: 0o644 });
    for (const { path, content, mode } of all) {
      const real = this.#real(path);
      try {
        mkdirSync(dirname(real), { recursive: true });
        writeFileSync(real, content, { mode });
      } catch (error) {
        throw writeError(path, real, error as NodeJS.ErrnoException);
      }
    }
  }

  /** @throws LabError BAD_ARGUMENT when there is no such file. */
  async read(path: string, owner: string): Promise<Uint8Array> {
    try {
      return await readFile(this.#real(path));
    } catch (error) {
      throw new LabError(
        "BAD_ARGUMENT",
        `${owner} has no file ${path}`,
        `see what is there: exec("ls", "-l", "/mosquitto/config")`,
        { cause: error },
      );
    }
  }

  /** Keeps the file itself, which a running broker may have open. */
  async write(path: string, content: string | Uint8Array, mode: number): Promise<void> {
    const real = this.#real(path);
    try {
      await mkdir(dirname(real), { recursive: true });
      // A file that its owner may only read is replaced all the same, as from outside a container.
      if (existsSync(real)) await chmod(real, mode | 0o600);
      await writeFile(real, content);
      await chmod(real, mode);
    } catch (error) {
      throw writeError(path, real, error as NodeJS.ErrnoException);
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
    this.#letGo();
  }

  #real(path: string): string {
    try {
      return this.files.realPath(resolvePath("/mosquitto/config", path));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      throw new LabError("BAD_ARGUMENT", `"${path}" is no path`, "give a path such as /mosquitto/config/acl");
    }
  }
}

function writeError(path: string, real: string, cause: NodeJS.ErrnoException): unknown {
  const known = orDiskFull(cause, dirname(real));
  if (known !== cause) return known;
  const hint = "give the path of a file, below folders that are no files";
  return new LabError("BAD_ARGUMENT", `${path} could not be written: ${cause.message}`, hint, { cause });
}
