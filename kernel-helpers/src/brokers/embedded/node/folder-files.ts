import * as fs from "node:fs";
import { join } from "node:path";
import { Errno, FileError, type FileStat, type FileSystem, type OpenFile, type OpenMode } from "../core/files";

/** A real folder and where a program finds it. */
export interface Mount {
  /** "/" or "/mosquitto/data". */
  readonly at: string;
  readonly folder: string;
}

const ERRNO: Record<string, number> = {
  EACCES: Errno.acces,
  EEXIST: Errno.exist,
  EINVAL: Errno.inval,
  EISDIR: Errno.isdir,
  ELOOP: Errno.loop,
  EMFILE: Errno.mfile,
  ENFILE: Errno.mfile,
  ENOENT: Errno.noent,
  ENOSPC: Errno.nospc,
  EDQUOT: Errno.nospc,
  ENOTDIR: Errno.notdir,
  ENOTEMPTY: Errno.notempty,
  EPERM: Errno.perm,
  EROFS: Errno.acces,
};

/** Runs a call of node:fs; its error becomes the program's errno. */
function real<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof FileError) throw error;
    throw new FileError(ERRNO[(error as NodeJS.ErrnoException).code ?? ""] ?? Errno.io);
  }
}

const statOf = (stat: fs.BigIntStats): FileStat => ({
  kind: stat.isDirectory() ? "folder" : stat.isSymbolicLink() ? "link" : "file",
  size: Number(stat.size),
  modified: Number(stat.mtimeMs),
  id: stat.ino,
});

/** Files that a program makes are its user's alone, as Mosquitto's own umask has it. */
const NEW_FILE_MODE = 0o600;
const NEW_FOLDER_MODE = 0o700;

function openFlags(mode: OpenMode): number {
  const { O_RDWR, O_RDONLY, O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW = 0 } = fs.constants;
  return (
    (mode.write ? O_RDWR : O_RDONLY) |
    (mode.create ? O_CREAT : 0) |
    (mode.exclusive ? O_EXCL : 0) |
    (mode.truncate ? O_TRUNC : 0) |
    (mode.follow ? 0 : O_NOFOLLOW)
  );
}

const openFile = (fd: number): OpenFile => ({
  read: (into, at) => real(() => fs.readSync(fd, into, 0, into.length, at)),
  write: (from, at) =>
    real(() => {
      for (let done = 0; done < from.length; ) {
        done += fs.writeSync(fd, from, done, from.length - done, at + done);
      }
    }),
  stat: () => real(() => statOf(fs.fstatSync(fd, { bigint: true }))),
  resize: (size) => real(() => fs.ftruncateSync(fd, size)),
  sync: () => real(() => fs.fsyncSync(fd)),
  close: () => real(() => fs.closeSync(fd)),
});

/** Folders of this machine under a root of their own. */
export class FolderFiles implements FileSystem {
  readonly #mounts: readonly Mount[];

  constructor(mounts: readonly Mount[]) {
    // The longest first: /mosquitto/data lies inside /.
    this.#mounts = [...mounts].sort((a, b) => b.at.length - a.at.length);
  }

  /** Where a program's path lies on this machine. @throws FileError */
  realPath(path: string): string {
    // A null byte ends a path in C; node:fs refuses it in words of its own.
    if (path.includes("\0")) throw new FileError(Errno.inval);
    const mount = this.#mounts.find(({ at }) => at === "/" || path === at || path.startsWith(`${at}/`));
    if (!mount) throw new FileError(Errno.noent);
    return join(mount.folder, mount.at === "/" ? path : path.slice(mount.at.length));
  }

  stat(path: string, follow: boolean): FileStat {
    const call = follow ? fs.statSync : fs.lstatSync;
    return real(() => statOf(call(this.realPath(path), { bigint: true }) as fs.BigIntStats));
  }

  open(path: string, mode: OpenMode): OpenFile {
    return openFile(real(() => fs.openSync(this.realPath(path), openFlags(mode), NEW_FILE_MODE)));
  }

  list(path: string): string[] {
    return real(() => fs.readdirSync(this.realPath(path)));
  }

  makeFolder(path: string): void {
    real(() => fs.mkdirSync(this.realPath(path), { mode: NEW_FOLDER_MODE }));
  }

  removeFolder(path: string): void {
    real(() => fs.rmdirSync(this.realPath(path)));
  }

  removeFile(path: string): void {
    real(() => fs.unlinkSync(this.realPath(path)));
  }

  rename(from: string, to: string): void {
    real(() => fs.renameSync(this.realPath(from), this.realPath(to)));
  }
}
