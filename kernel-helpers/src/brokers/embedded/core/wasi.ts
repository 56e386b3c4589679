/** WASI preview 1 over a FileSystem: the calls that wasi-libc makes. No Node built-in. */
import { Errno, FileError, type FileKind, type FileStat, type FileSystem, type OpenFile, resolvePath } from "./files";
import type { WasmImports, WasmMemory } from "./webassembly";

/** The program called exit(). Thrown through it. */
export class ProgramExit extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

export interface WasiOptions {
  readonly files: FileSystem;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What the program wrote to standard output (1) or standard error (2). The bytes are only valid during the call. */
  readonly output: (fd: 1 | 2, bytes: Uint8Array) => void;
  /** At most `limit` bytes of standard input, none at its end. */
  readonly input?: (limit: number) => Uint8Array;
  /** Blocks the thread for some milliseconds. Without it sleeping fails. */
  readonly sleep?: (ms: number) => void;
}

export interface Wasi {
  readonly imports: WasmImports[string];
  /** Has to be called once the program's memory is there, before any of its functions. */
  bind(memory: WasmMemory): void;
}

const FILE_TYPE: Record<FileKind | "terminal", number> = { terminal: 2, folder: 3, file: 4, link: 7 };
const ROOT_FD = 3;
const O = { create: 1, folder: 2, exclusive: 4, truncate: 8 };
const RIGHT_WRITE = 0x40n;
const FLAG_APPEND = 1;
const ALL_RIGHTS = 0x1fffffffn;
/** Without the rights to seek and tell wasi-libc's isatty() says yes, and standard output is flushed line by line. */
const TERMINAL_RIGHTS = ALL_RIGHTS & ~0x24n;

/** What a descriptor stands for. */
type Descriptor =
  | { kind: "terminal" }
  | { kind: "folder"; path: string; root: boolean }
  | { kind: "file"; file: OpenFile; position: number; flags: number };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function makeWasi(options: WasiOptions): Wasi {
  const { files } = options;
  let memory: WasmMemory | undefined;
  let bytes = new Uint8Array(0);
  let view = new DataView(bytes.buffer);

  /** The program's memory; its buffer is another one after it has grown. */
  const u8 = (): Uint8Array => {
    if (memory && bytes.buffer !== memory.buffer) {
      bytes = new Uint8Array(memory.buffer);
      view = new DataView(memory.buffer);
    }
    return bytes;
  };
  const dv = (): DataView => {
    u8();
    return view;
  };
  const setU32 = (at: number, value: number) => dv().setUint32(at, value, true);
  const setU64 = (at: number, value: bigint) => dv().setBigUint64(at, value, true);
  // A copy, since a shared or growing buffer can't be decoded in place everywhere.
  const text = (at: number, length: number) => decoder.decode(u8().slice(at, at + length));

  const table: (Descriptor | undefined)[] = [
    { kind: "terminal" },
    { kind: "terminal" },
    { kind: "terminal" },
    { kind: "folder", path: "/", root: true },
  ];

  const descriptor = (fd: number): Descriptor => {
    const found = table[fd];
    if (!found) throw new FileError(Errno.badf);
    return found;
  };
  const fileOf = (fd: number): Extract<Descriptor, { kind: "file" }> => {
    const found = descriptor(fd);
    if (found.kind !== "file") throw new FileError(found.kind === "folder" ? Errno.isdir : Errno.spipe);
    return found;
  };
  const pathOf = (fd: number, at: number, length: number): string => {
    const found = descriptor(fd);
    if (found.kind !== "folder") throw new FileError(Errno.notdir);
    return resolvePath(found.path, text(at, length));
  };
  const allocate = (entry: Descriptor): number => {
    let fd = ROOT_FD + 1;
    while (table[fd]) fd++;
    table[fd] = entry;
    return fd;
  };

  /** Calls `move` for each buffer of a list until one isn't filled or emptied; returns the bytes moved. */
  const vectors = (list: number, count: number, move: (part: Uint8Array) => number): number => {
    let total = 0;
    for (let i = 0; i < count; i++) {
      const start = dv().getUint32(list + 8 * i, true);
      const length = dv().getUint32(list + 8 * i + 4, true);
      if (!length) continue;
      const moved = move(u8().subarray(start, start + length));
      total += moved;
      if (moved < length) break;
    }
    return total;
  };

  const writeStat = (at: number, stat: FileStat | null) => {
    u8().fill(0, at, at + 64);
    const time = BigInt(Math.round((stat?.modified ?? 0) * 1000)) * 1000n;
    setU64(at, 1n);
    setU64(at + 8, stat?.id ?? 0n);
    dv().setUint8(at + 16, FILE_TYPE[stat?.kind ?? "terminal"]);
    setU64(at + 24, 1n);
    setU64(at + 32, BigInt(stat?.size ?? 0));
    for (const offset of [40, 48, 56]) setU64(at + offset, time);
  };

  /** argv or the environment: sizes first, then pointers and texts. */
  const strings = (list: readonly string[]) => {
    const encoded = list.map((one) => encoder.encode(`${one}\0`));
    return {
      sizes(count: number, size: number) {
        setU32(count, encoded.length);
        setU32(
          size,
          encoded.reduce((sum, one) => sum + one.length, 0),
        );
      },
      get(pointers: number, buffer: number) {
        let at = buffer;
        for (const [index, one] of encoded.entries()) {
          setU32(pointers + 4 * index, at);
          u8().set(one, at);
          at += one.length;
        }
      },
    };
  };
  const argv = strings(options.args);
  const environment = strings(Object.entries(options.env).map(([key, value]) => `${key}=${value}`));

  const clock = (id: number): bigint =>
    id === 0
      ? BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n
      : BigInt(Math.round(performance.now() * 1e6));

  const readInput = (part: Uint8Array): number => {
    const got = options.input?.(part.length) ?? new Uint8Array(0);
    part.set(got);
    return got.length;
  };

  const calls = {
    args_sizes_get: argv.sizes,
    args_get: argv.get,
    environ_sizes_get: environment.sizes,
    environ_get: environment.get,

    clock_res_get(_id: number, at: number) {
      setU64(at, 1000n);
    },
    clock_time_get(id: number, _precision: bigint, at: number) {
      setU64(at, clock(id));
    },
    random_get(at: number, length: number) {
      const random = new Uint8Array(Math.min(length, 65_536)); // the limit of one call
      for (let done = 0; done < length; done += random.length) {
        const part = random.subarray(0, Math.min(random.length, length - done));
        u8().set(crypto.getRandomValues(part), at + done);
      }
    },
    proc_exit(code: number) {
      throw new ProgramExit(code);
    },
    sched_yield() {},

    /** Only a sleep: a single subscription to a clock. */
    poll_oneoff(subscriptions: number, events: number, count: number, written: number) {
      if (!options.sleep || count !== 1 || dv().getUint8(subscriptions + 8) !== 0) return Errno.nosys;
      const absolute = dv().getUint16(subscriptions + 40, true) & 1;
      const time = dv().getBigUint64(subscriptions + 24, true);
      const left = absolute ? time - clock(dv().getUint32(subscriptions + 16, true)) : time;
      if (left > 0n) options.sleep(Number(left) / 1e6);
      u8().fill(0, events, events + 32);
      setU64(events, dv().getBigUint64(subscriptions, true));
      setU32(written, 1);
      return Errno.ok;
    },

    fd_prestat_get(fd: number, at: number) {
      const found = descriptor(fd);
      if (found.kind !== "folder" || !found.root) throw new FileError(Errno.badf);
      setU32(at, 0);
      setU32(at + 4, found.path.length);
    },
    fd_prestat_dir_name(_fd: number, at: number) {
      u8().set(encoder.encode("/"), at);
    },
    fd_fdstat_get(fd: number, at: number) {
      const found = descriptor(fd);
      const rights = found.kind === "terminal" ? TERMINAL_RIGHTS : ALL_RIGHTS;
      u8().fill(0, at, at + 24);
      dv().setUint8(at, FILE_TYPE[found.kind]);
      dv().setUint16(at + 2, found.kind === "file" ? found.flags : 0, true);
      setU64(at + 8, rights);
      setU64(at + 16, rights);
    },
    fd_fdstat_set_flags(fd: number, flags: number) {
      const found = descriptor(fd);
      if (found.kind === "file") found.flags = flags;
    },
    fd_close(fd: number) {
      const found = descriptor(fd);
      table[fd] = undefined;
      if (found.kind === "file") found.file.close();
    },
    fd_renumber(from: number, to: number) {
      const found = descriptor(from);
      const old = table[to];
      if (old?.kind === "file") old.file.close();
      table[to] = found;
      table[from] = undefined;
    },
    fd_sync(fd: number) {
      fileOf(fd).file.sync();
    },
    fd_datasync(fd: number) {
      fileOf(fd).file.sync();
    },
    fd_filestat_get(fd: number, at: number) {
      const found = descriptor(fd);
      writeStat(
        at,
        found.kind === "file" ? found.file.stat() : found.kind === "folder" ? files.stat(found.path, true) : null,
      );
    },
    fd_filestat_set_size(fd: number, size: bigint) {
      fileOf(fd).file.resize(Number(size));
    },
    fd_filestat_set_times() {},
    fd_seek(fd: number, offset: bigint, whence: number, at: number) {
      const found = fileOf(fd);
      const base = whence === 0 ? 0 : whence === 1 ? found.position : found.file.stat().size;
      const position = base + Number(offset);
      if (position < 0) throw new FileError(Errno.inval);
      found.position = position;
      setU64(at, BigInt(position));
    },
    fd_read(fd: number, list: number, count: number, at: number) {
      const found = descriptor(fd);
      const moved = vectors(list, count, (part) => {
        if (found.kind === "terminal") return readInput(part);
        const file = fileOf(fd);
        const got = file.file.read(part, file.position);
        file.position += got;
        return got;
      });
      setU32(at, moved);
    },
    fd_write(fd: number, list: number, count: number, at: number) {
      const found = descriptor(fd);
      const moved = vectors(list, count, (part) => {
        if (found.kind === "terminal") {
          options.output(fd === 1 ? 1 : 2, part);
          return part.length;
        }
        const file = fileOf(fd);
        if (file.flags & FLAG_APPEND) file.position = file.file.stat().size;
        file.file.write(part, file.position);
        file.position += part.length;
        return part.length;
      });
      setU32(at, moved);
    },
    fd_pread(fd: number, list: number, count: number, offset: bigint, at: number) {
      let position = Number(offset);
      const { file } = fileOf(fd);
      const moved = vectors(list, count, (part) => {
        const got = file.read(part, position);
        position += got;
        return got;
      });
      setU32(at, moved);
    },
    fd_pwrite(fd: number, list: number, count: number, offset: bigint, at: number) {
      let position = Number(offset);
      const { file } = fileOf(fd);
      const moved = vectors(list, count, (part) => {
        file.write(part, position);
        position += part.length;
        return part.length;
      });
      setU32(at, moved);
    },
    fd_readdir(fd: number, buffer: number, length: number, cookie: bigint, at: number) {
      const found = descriptor(fd);
      if (found.kind !== "folder") throw new FileError(Errno.notdir);
      const names = [".", "..", ...files.list(found.path)];
      let used = 0;
      for (let index = Number(cookie); index < names.length && used < length; index++) {
        const stat = files.stat(resolvePath(found.path, names[index]!), false);
        const entry = directoryEntry(names[index]!, index, stat);
        // The last entry may be cut: the program then asks again from there.
        const part = entry.subarray(0, length - used);
        u8().set(part, buffer + used);
        used += part.length;
      }
      setU32(at, used);
    },

    path_open(
      folder: number,
      lookup: number,
      path: number,
      length: number,
      how: number,
      rights: bigint,
      _inheriting: bigint,
      flags: number,
      at: number,
    ) {
      const full = pathOf(folder, path, length);
      const mode = {
        create: (how & O.create) !== 0,
        exclusive: (how & O.exclusive) !== 0,
        truncate: (how & O.truncate) !== 0,
        write: (BigInt(rights) & RIGHT_WRITE) !== 0n,
        follow: (lookup & 1) !== 0,
      };
      if (isFolder(files, full, mode.follow)) {
        if (mode.create && mode.exclusive) throw new FileError(Errno.exist);
        if (mode.create || mode.truncate) throw new FileError(Errno.isdir);
        setU32(at, allocate({ kind: "folder", path: full, root: false }));
        return;
      }
      if (how & O.folder) throw new FileError(mode.create ? Errno.inval : noFolder(files, full));
      setU32(at, allocate({ kind: "file", file: files.open(full, mode), position: 0, flags }));
    },
    path_filestat_get(folder: number, lookup: number, path: number, length: number, at: number) {
      writeStat(at, files.stat(pathOf(folder, path, length), (lookup & 1) !== 0));
    },
    path_filestat_set_times() {},
    path_readlink() {
      return Errno.inval;
    },
    path_create_directory(folder: number, path: number, length: number) {
      files.makeFolder(pathOf(folder, path, length));
    },
    path_remove_directory(folder: number, path: number, length: number) {
      files.removeFolder(pathOf(folder, path, length));
    },
    path_unlink_file(folder: number, path: number, length: number) {
      files.removeFile(pathOf(folder, path, length));
    },
    path_rename(folder: number, path: number, length: number, toFolder: number, to: number, toLength: number) {
      files.rename(pathOf(folder, path, length), pathOf(toFolder, to, toLength));
    },
  };

  return {
    imports: Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, guarded(call)])),
    bind(own) {
      memory = own;
    },
  };
}

/** Turns what a call throws into the number that the program gets; a call that returns nothing succeeded. */
function guarded(call: (...args: never[]) => unknown): (...args: never[]) => number {
  return (...args) => {
    try {
      const errno = call(...args);
      return typeof errno === "number" ? errno : Errno.ok;
    } catch (error) {
      if (error instanceof FileError) return error.errno;
      throw error;
    }
  };
}

function isFolder(files: FileSystem, path: string, follow: boolean): boolean {
  try {
    return files.stat(path, follow).kind === "folder";
  } catch (error) {
    if (error instanceof FileError) return false;
    throw error;
  }
}

/** Why something isn't a folder: it isn't there, or it is something else. */
function noFolder(files: FileSystem, path: string): number {
  try {
    files.stat(path, true);
    return Errno.notdir;
  } catch (error) {
    if (error instanceof FileError) return error.errno;
    throw error;
  }
}

function directoryEntry(name: string, index: number, stat: FileStat): Uint8Array {
  const label = encoder.encode(name);
  const entry = new Uint8Array(24 + label.length);
  const view = new DataView(entry.buffer);
  view.setBigUint64(0, BigInt(index + 1), true);
  view.setBigUint64(8, stat.id, true);
  view.setUint32(16, label.length, true);
  view.setUint8(20, FILE_TYPE[stat.kind]);
  entry.set(label, 24);
  return entry;
}
