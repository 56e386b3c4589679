/** The two file systems behave alike: the same calls, by a fixed seed, give the same answers. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Errno, FileError, type FileSystem, resolvePath } from "kernel-helpers/dist/brokers/embedded/core/files";
import { MemoryFiles } from "kernel-helpers/dist/brokers/embedded/core/memory-files";
import { FolderFiles } from "kernel-helpers/dist/brokers/embedded/node/folder-files";

function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** What a call gave: its value, or its errno. */
function outcome(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    if (error instanceof FileError) return `errno ${error.errno}`;
    throw error;
  }
}

/** Everything there is, as text. */
function tree(files: FileSystem, folder = "/"): string[] {
  return files
    .list(folder)
    .sort()
    .flatMap((name) => {
      const path = resolvePath(folder, name);
      const { kind, size } = files.stat(path, true);
      return kind === "folder" ? [`${path}/`, ...tree(files, path)] : [`${path} ${size} ${content(files, path)}`];
    });
}

function content(files: FileSystem, path: string): string {
  const file = files.open(path, { create: false, exclusive: false, truncate: false, write: false, follow: true });
  const bytes = new Uint8Array(1_000);
  const text = Buffer.from(bytes.subarray(0, file.read(bytes, 0))).toString("hex");
  file.close();
  return text;
}

const NAMES = ["/a", "/b", "/a/c", "/a/d", "/a/c/e", "/b/f"];

function act(files: FileSystem, below: (limit: number) => number): unknown {
  const path = NAMES[below(NAMES.length)]!;
  const kind = below(8);
  const [exclusive, truncate, at, size] = [below(4) === 0, below(2) === 0, below(40), below(30)];
  const other = NAMES[below(NAMES.length)]!;
  return outcome(() => {
    if (kind === 0) return files.makeFolder(path);
    if (kind === 1) return files.removeFile(path);
    if (kind === 2) return files.removeFolder(path);
    if (kind === 3) return files.list(path).sort();
    if (kind === 4) return [files.stat(path, true).kind];
    // A folder onto something, or into itself, is refused with errnos that differ between systems.
    if (kind === 5 && files.stat(path, true).kind === "file") return files.rename(path, other);
    const file = files.open(path, { create: kind !== 6, exclusive, truncate, write: true, follow: true });
    file.write(new Uint8Array(size).fill(7), at);
    if (kind === 7) file.resize(at);
    file.sync();
    const length = file.stat().size;
    file.close();
    return length;
  });
}

test("memory and a folder answer 3,000 calls alike", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "embedded-files-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [memory, real] = [new MemoryFiles(), new FolderFiles([{ at: "/", folder }])];
  for (let call = 0; call < 3_000; call++) {
    assert.deepEqual(act(memory, randomFrom(call)), act(real, randomFrom(call)), `call ${call}`);
    if (call % 50 === 0) assert.deepEqual(tree(memory), tree(real), `after call ${call}`);
  }
});

test("mounts: the longest wins, and nothing leads above them", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "embedded-files-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const files = new FolderFiles([
    { at: "/", folder: join(folder, "root") },
    { at: "/mosquitto/data", folder: join(folder, "volume") },
  ]);
  assert.equal(files.realPath("/mosquitto/data/x"), join(folder, "volume", "x"));
  assert.equal(files.realPath("/mosquitto/database"), join(folder, "root", "mosquitto", "database"));
  assert.equal(resolvePath("/mosquitto", "../../../etc/passwd"), "/etc/passwd");
  assert.equal(resolvePath("/a/b", "./c/../d//e/."), "/a/b/d/e");
  assert.throws(() => files.realPath("/a\0b"), FileError);
});

test("a symbolic link is not followed when the program says so", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "embedded-files-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "real"), "x");
  symlinkSync("real", join(folder, "link"));
  const files = new FolderFiles([{ at: "/", folder }]);
  assert.equal(files.stat("/link", false).kind, "link");
  assert.equal(files.stat("/link", true).kind, "file");
  const mode = { create: false, exclusive: false, truncate: false, write: false };
  assert.equal(
    outcome(() => files.open("/link", { ...mode, follow: false })),
    `errno ${Errno.loop}`,
  );
});
