import { Errno, FileError, type FileStat, type FileSystem, type OpenFile, type OpenMode, splitPath } from "./files";

interface MemoryNode {
  readonly id: bigint;
  modified: number;
  /** Names in it; null for a file. */
  readonly entries: Map<string, MemoryNode> | null;
  bytes: Uint8Array;
  size: number;
}

let lastId = 0n;

const newNode = (folder: boolean): MemoryNode => ({
  id: ++lastId,
  modified: Date.now(),
  entries: folder ? new Map() : null,
  bytes: new Uint8Array(0),
  size: 0,
});

const statOf = (node: MemoryNode): FileStat => ({
  kind: node.entries ? "folder" : "file",
  size: node.size,
  modified: node.modified,
  id: node.id,
});

function resize(node: MemoryNode, size: number): void {
  if (size > node.bytes.length) {
    const grown = new Uint8Array(Math.max(size, node.bytes.length * 2, 512));
    grown.set(node.bytes.subarray(0, node.size));
    node.bytes = grown;
  }
  // What was cut off earlier must not come back when the file grows again.
  if (size > node.size) node.bytes.fill(0, node.size, size);
  node.size = size;
  node.modified = Date.now();
}

const openNode = (node: MemoryNode): OpenFile => ({
  read(into, at) {
    const part = node.bytes.subarray(at, Math.min(at + into.length, node.size));
    into.set(part);
    return part.length;
  },
  write(from, at) {
    if (at + from.length > node.size) resize(node, at + from.length);
    node.bytes.set(from, at);
    node.modified = Date.now();
  },
  stat: () => statOf(node),
  resize: (size) => resize(node, size),
  sync() {},
  close() {},
});

/** Files that live as long as this object. For pages, where there is no file system, and for tests. */
export class MemoryFiles implements FileSystem {
  readonly #root = newNode(true);

  /** Puts a file in place, with the folders above it. */
  put(path: string, content: string | Uint8Array): void {
    const [folder, name] = splitPath(path);
    let node = this.#root;
    for (const part of folder.split("/").filter(Boolean)) {
      const entries = this.#entries(node);
      let next = entries.get(part);
      if (!next) {
        next = newNode(true);
        entries.set(part, next);
      }
      node = next;
    }
    const file = newNode(false);
    file.bytes = typeof content === "string" ? new TextEncoder().encode(content) : Uint8Array.from(content);
    file.size = file.bytes.length;
    this.#entries(node).set(name, file);
  }

  /** A file's content. @throws FileError */
  get(path: string): Uint8Array {
    const node = this.#find(path);
    if (node.entries) throw new FileError(Errno.isdir);
    return node.bytes.slice(0, node.size);
  }

  stat(path: string): FileStat {
    return statOf(this.#find(path));
  }

  open(path: string, mode: OpenMode): OpenFile {
    const { entries, name } = this.#place(path);
    const there = path === "/" ? this.#root : entries.get(name);
    if (there) {
      if (mode.create && mode.exclusive) throw new FileError(Errno.exist);
      if (there.entries && (mode.write || mode.truncate)) throw new FileError(Errno.isdir);
      if (mode.truncate) resize(there, 0);
      return openNode(there);
    }
    if (!mode.create) throw new FileError(Errno.noent);
    const file = newNode(false);
    entries.set(name, file);
    return openNode(file);
  }

  list(path: string): string[] {
    return [...this.#entries(this.#find(path)).keys()];
  }

  makeFolder(path: string): void {
    const { entries, name } = this.#place(path);
    if (entries.has(name)) throw new FileError(Errno.exist);
    entries.set(name, newNode(true));
  }

  removeFolder(path: string): void {
    const { entries, name } = this.#place(path);
    if (this.#entries(this.#find(path)).size) throw new FileError(Errno.notempty);
    entries.delete(name);
  }

  removeFile(path: string): void {
    const { entries, name } = this.#place(path);
    if (this.#find(path).entries) throw new FileError(Errno.isdir);
    entries.delete(name);
  }

  rename(from: string, to: string): void {
    const node = this.#find(from);
    const target = this.#place(to);
    if (target.entries.get(target.name)?.entries) throw new FileError(Errno.isdir);
    const source = this.#place(from);
    source.entries.delete(source.name);
    target.entries.set(target.name, node);
  }

  #entries(node: MemoryNode): Map<string, MemoryNode> {
    if (!node.entries) throw new FileError(Errno.notdir);
    return node.entries;
  }

  #find(path: string): MemoryNode {
    let node = this.#root;
    for (const part of path.split("/").filter(Boolean)) {
      const next = this.#entries(node).get(part);
      if (!next) throw new FileError(Errno.noent);
      node = next;
    }
    return node;
  }

  #place(path: string): { entries: Map<string, MemoryNode>; name: string } {
    const [folder, name] = splitPath(path);
    return { entries: this.#entries(this.#find(folder)), name };
  }
}
