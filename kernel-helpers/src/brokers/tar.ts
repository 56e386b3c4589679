/** Writes and reads the little of tar (POSIX ustar, pax names) that goes through a container engine's archive calls. */

export interface TarFile {
  readonly path: string;
  readonly content: Uint8Array;
  readonly mode: number;
}

export interface TarOwner {
  readonly uid: number;
  readonly gid: number;
}

const BLOCK = 512;

/** An archive of files and of the folders they need. Paths are relative to where it will be unpacked. */
export function pack(files: readonly TarFile[], owner: TarOwner, folders: readonly string[] = []): Buffer {
  const parts: Buffer[] = [];
  const add = (path: string, type: string, mode: number, content: Uint8Array) => {
    const name = Buffer.from(path);
    if (name.length > 100) {
      const pax = paxRecord("path", path);
      parts.push(header("pax", "x", 0o644, pax.length, owner), pad(pax));
    }
    parts.push(header(name.subarray(0, 100), type, mode, content.length, owner), pad(content));
  };
  for (const folder of folders) add(`${folder}/`, "5", 0o755, new Uint8Array());
  for (const file of files) add(file.path, "0", file.mode, file.content);
  parts.push(Buffer.alloc(2 * BLOCK));
  return Buffer.concat(parts);
}

function header(name: string | Buffer, type: string, mode: number, size: number, { uid, gid }: TarOwner): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
  Buffer.from(name).copy(block, 0);
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  octal(size, 124, 12);
  octal(Math.floor(Date.now() / 1000), 136, 12);
  block.write("        ", 148, "latin1");
  block.write(type, 156, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function pad(content: Uint8Array): Buffer {
  const rest = content.length % BLOCK;
  return rest ? Buffer.concat([content, Buffer.alloc(BLOCK - rest)]) : Buffer.from(content);
}

/** "LENGTH key=value\n", where LENGTH counts its own digits too. */
function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return Buffer.from(`${length} ${key}=${value}\n`);
}

/** The regular files of an archive, by path. */
export function unpack(archive: Buffer): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let longName: string | null = null;
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const block = archive.subarray(at, at + BLOCK);
    if (block.every((byte) => byte === 0)) break;
    const size = Number.parseInt(text(block, 124, 12), 8) || 0;
    const type = text(block, 156, 1) || "0";
    const content = archive.subarray(at + BLOCK, at + BLOCK + size);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (type === "x") longName = /\d+ path=(.*)\n/.exec(content.toString())?.[1] ?? longName;
    else if (type === "L") longName = text(content, 0, content.length);
    else {
      const prefix = text(block, 257, 5) === "ustar" ? text(block, 345, 155) : "";
      const name = longName ?? (prefix ? `${prefix}/${text(block, 0, 100)}` : text(block, 0, 100));
      if (type === "0") files.set(name, Uint8Array.from(content));
      longName = null;
    }
  }
  return files;
}

const text = (bytes: Buffer, at: number, length: number): string =>
  bytes.toString("utf8", at, at + length).replace(/\0.*$/s, "");
