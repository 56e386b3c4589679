/** The file system that a program sees: paths are absolute, with "/" between names and without "." and "..". */

/** Error numbers of WASI preview 1, which are also wasi-libc's errno. */
export const Errno = {
  ok: 0,
  acces: 2,
  addrinuse: 3,
  again: 6,
  badf: 8,
  connrefused: 14,
  connreset: 15,
  exist: 20,
  hostunreach: 23,
  inval: 28,
  io: 29,
  isdir: 31,
  loop: 32,
  mfile: 33,
  noent: 44,
  nospc: 51,
  nosys: 52,
  notdir: 54,
  notempty: 55,
  perm: 63,
  spipe: 70,
} as const;

/** What a file system throws: the program gets the number. */
export class FileError extends Error {
  constructor(readonly errno: number) {
    super(`errno ${errno}`);
  }
}

export type FileKind = "file" | "folder" | "link";

export interface FileStat {
  readonly kind: FileKind;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modified: number;
  /** The same number = the same file. */
  readonly id: bigint;
}

/** How a file is opened; none of these: it has to be there. */
export interface OpenMode {
  readonly create: boolean;
  /** With `create`: it must not be there yet. */
  readonly exclusive: boolean;
  readonly truncate: boolean;
  readonly write: boolean;
  /** Whether a symbolic link is followed; if not, it is refused. */
  readonly follow: boolean;
}

export interface OpenFile {
  /** Reads at a position; returns how many bytes, 0 at the end. */
  read(into: Uint8Array, at: number): number;
  /** Writes all, growing the file where needed. */
  write(from: Uint8Array, at: number): void;
  stat(): FileStat;
  resize(size: number): void;
  sync(): void;
  close(): void;
}

/** Every function throws FileError. */
export interface FileSystem {
  stat(path: string, follow: boolean): FileStat;
  open(path: string, mode: OpenMode): OpenFile;
  /** Names in a folder. */
  list(path: string): string[];
  makeFolder(path: string): void;
  removeFolder(path: string): void;
  removeFile(path: string): void;
  /** Replaces a file that is there. */
  rename(from: string, to: string): void;
}

/** Resolves "." and ".." as text, against an absolute folder; never leads above "/". */
export function resolvePath(folder: string, path: string): string {
  const parts: string[] = [];
  for (const part of `${path.startsWith("/") ? "" : `${folder}/`}${path}`.split("/")) {
    if (part === "..") parts.pop();
    else if (part && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** "/a/b" -> ["/a", "b"]; "/b" -> ["/", "b"]. */
export function splitPath(path: string): [folder: string, name: string] {
  const slash = path.lastIndexOf("/");
  return [path.slice(0, slash) || "/", path.slice(slash + 1)];
}
