/** The build: where sources come from, what a fault says and leaves behind, the same bytes from any folder. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { builtFolder, readManifest } from "kernel-helpers/dist/brokers/embedded/node/modules";
import { tlsFolder } from "kernel-helpers/dist/brokers/embedded/tls-build";
import { pack } from "kernel-helpers/dist/brokers/tar";
import { cachePath, courseRoot } from "kernel-helpers/dist/core/paths";
import { until } from "kernel-helpers/dist/core/until";
import { notBuilt, tlsNotBuilt } from "./lab";

const program = join(courseRoot, "kernel-helpers/embedded");
const cached = cachePath("embedded");
const skip = notBuilt || (process.platform === "win32" && "symbolic links need rights on Windows");

interface Place {
  readonly root: string;
  readonly cache: string;
  build(env?: Record<string, string>, ...words: string[]): Promise<{ code: number | null; said: string }>;
}

/** A copy of the build program in a folder of its own, with the compiler of this machine. */
function copyOf(t: TestContext, options: { sources: boolean; zigCache: boolean }): Place {
  const base = mkdtempSync(join(tmpdir(), "embedded-build-"));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const [root, cache] = [join(base, "some where", "embedded"), join(base, "cache")];
  cpSync(program, root, { recursive: true, filter: (path) => relative(program, path).split("/")[0] !== "out" });
  mkdirSync(cache);
  for (const name of ["toolchain", ...(options.sources ? ["sources"] : []), ...(options.zigCache ? ["zig"] : [])]) {
    symlinkSync(join(cached, name), join(cache, name));
  }
  const build = (env: Record<string, string> = {}, ...words: string[]) =>
    new Promise<{ code: number | null; said: string }>((resolve) => {
      const child = spawn(process.execPath, [join(root, "build.mjs"), ...words], {
        env: { ...process.env, MQTT_LAB_EMBEDDED_CACHE: cache, ...env },
      });
      let said = "";
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding("utf8").on("data", (text) => (said += text));
      child.once("close", (code) => resolve({ code, said }));
    });
  return { root, cache, build };
}

const entries = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** An archive of an unpacked source under another first folder, as another host would name it. */
function archiveOf(name: string, firstFolder: string): Buffer {
  const folder = join(
    cached,
    "sources",
    readdirSync(join(cached, "sources")).find((one) => one.startsWith(`${name}-`))!,
  );
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const packed = files.map((path) => ({
    path: `${firstFolder}/${relative(folder, path)}`,
    content: readFileSync(path),
    mode: 0o644,
  }));
  return gzipSync(pack(packed, { uid: 0, gid: 0 }), { level: 1 });
}

/** A server with upstream's paths. */
async function upstreamServer(
  t: TestContext,
  answer: (path: string) => Buffer | number,
): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const body = answer(request.url ?? "");
    response.writeHead(typeof body === "number" ? body : 200).end(typeof body === "number" ? "" : body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked };
}

const upstreamAnswer = (path: string): Buffer | number =>
  path.includes("/mosquitto/archive/")
    ? archiveOf("mosquitto", "mosquitto-2.1.2")
    : path.includes("/cJSON/archive/")
      ? archiveOf("cjson", "cJSON-1.7.19")
      : 404;

test("sources from a server with upstream's paths give the same bytes, from any folder", {
  skip,
  timeout: 240_000,
}, async (t) => {
  // Compiling all of it again takes a while: where nobody waits for it, it is done without what zig has in store.
  const place = copyOf(t, { sources: false, zigCache: !process.env.CI });
  const { url, asked } = await upstreamServer(t, upstreamAnswer);
  const { code, said } = await place.build({ MQTT_LAB_UPSTREAM: url });
  assert.equal(code, 0, said);
  assert.deepEqual(asked, [
    "/eclipse-mosquitto/mosquitto/archive/refs/tags/v2.1.2.tar.gz",
    "/DaveGamble/cJSON/archive/refs/tags/v1.7.19.tar.gz",
  ]);
  const manifest = JSON.parse(readFileSync(join(place.root, "out", "manifest.json"), "utf8"));
  assert.deepEqual(manifest, { ...readManifest() });
  for (const name of Object.keys(manifest.programs)) {
    const bytes = readFileSync(join(place.root, "out", `${name}.wasm`));
    assert.ok(bytes.equals(readFileSync(join(builtFolder(), `${name}.wasm`))), name);
    assert.ok(
      !bytes.includes(place.root) && !bytes.includes(place.cache),
      `${name} names the folder that it was built in`,
    );
  }
  assert.match(said, /compiling mosquitto \(1 of \d\)/);
  assert.deepEqual(entries(place.cache).sort(), ["sources", "toolchain", "zig"]);

  const again = await place.build();
  assert.deepEqual([again.code, /up to date/.test(again.said)], [0, true]);
  writeFileSync(join(place.root, "out", "mosquitto_passwd.wasm"), "damaged");
  const mended = await place.build({ MQTT_LAB_SOURCES: join(place.cache, "none") });
  assert.equal(mended.code, 0, mended.said);
  assert.match(mended.said, /ready after/);
});

const withoutSources = (
  name: string,
  run: (t: TestContext, place: Place) => Promise<{ said: string; expected: RegExp[] }>,
) =>
  test(name, { skip, timeout: 60_000 }, async (t) => {
    const place = copyOf(t, { sources: false, zigCache: true });
    const { said, expected } = await run(t, place);
    for (const pattern of [...expected, /Try: /, /npm run doctor/]) assert.match(said, pattern);
    assert.ok(!existsSync(join(place.root, "out")), "something was built");
    assert.deepEqual(entries(join(place.cache, "sources")), [], "something was left half done");
    assert.ok(!existsSync(join(place.cache, "build.lock")));
  });

withoutSources("a wrong checksum is refused", async (t, place) => {
  const wrong = pack([{ path: "mosquitto-2.1.2/src/evil.c", content: Buffer.from("int x;"), mode: 0o644 }], {
    uid: 0,
    gid: 0,
  });
  const { url } = await upstreamServer(t, () => gzipSync(wrong));
  const { code, said } = await place.build({ MQTT_LAB_UPSTREAM: url });
  assert.equal(code, 3);
  return { said, expected: [/wrong checksum/, /MQTT_LAB_SOURCES/] };
});

withoutSources("an archive that leads out of its folder is refused", async (t, place) => {
  const evil = pack([{ path: "m/../../../evil", content: Buffer.from("x"), mode: 0o644 }], { uid: 0, gid: 0 });
  const { url } = await upstreamServer(t, () => gzipSync(evil));
  const { code, said } = await place.build({ MQTT_LAB_UPSTREAM: url });
  assert.equal(code, 3);
  return { said, expected: [/leads out of it/] };
});

withoutSources("a server that answers 404, and one that isn't there", async (t, place) => {
  const { url } = await upstreamServer(t, () => 404);
  const { code, said } = await place.build({ MQTT_LAB_UPSTREAM: url });
  assert.equal(code, 3);
  assert.match(said, /answered 404/);
  const gone = await place.build({ MQTT_LAB_UPSTREAM: "http://127.0.0.1:9" });
  assert.equal(gone.code, 3);
  return { said: gone.said, expected: [/could not be had/] };
});

withoutSources("a folder without the archives", async (_t, place) => {
  const { code, said } = await place.build({ MQTT_LAB_SOURCES: place.cache });
  assert.equal(code, 3);
  return { said, expected: [/it has none of mosquitto_2\.1\.2\.orig\.tar\.gz/] };
});

test("a compile that fails says where, and keeps what was built before", { skip, timeout: 120_000 }, async (t) => {
  const place = copyOf(t, { sources: true, zigCache: true });
  cpSync(builtFolder(), join(place.root, "out"), { recursive: true });
  const before = readFileSync(join(place.root, "out", "manifest.json"), "utf8");
  writeFileSync(join(place.root, "shim", "posix.c"), "this is no C\n");
  const { code, said } = await place.build();
  assert.equal(code, 3);
  assert.match(said, /mosquitto did not compile:[\s\S]*posix\.c:1/);
  assert.match(said, /npm run doctor/);
  assert.equal(readFileSync(join(place.root, "out", "manifest.json"), "utf8"), before);
});

test("those with TLS have the same bytes from any folder, configured and compiled anew", {
  skip: skip || tlsNotBuilt,
  timeout: 900_000,
}, async (t) => {
  const place = copyOf(t, { sources: true, zigCache: !process.env.CI });
  const { code, said } = await place.build({}, "--tls");
  assert.equal(code, 0, said);
  for (const step of [/configuring OpenSSL with perl 5/, /compiling OpenSSL: \d+ of \d+ files/, /mosquitto with TLS/]) {
    assert.match(said, step);
  }
  const folder = join(place.root, "out", "tls");
  assert.deepEqual(JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")), { ...readManifest(tlsFolder()) });
  for (const name of Object.keys(readManifest(tlsFolder()).programs)) {
    const bytes = readFileSync(join(folder, `${name}.wasm`));
    assert.ok(bytes.equals(readFileSync(join(tlsFolder(), `${name}.wasm`))), name);
    assert.ok(!bytes.includes(place.root) && !bytes.includes(place.cache), name);
  }
  assert.deepEqual(entries(place.cache).sort(), ["libraries", "sources", "toolchain", "zig"]);
  const again = await place.build({}, "--tls");
  assert.deepEqual([again.code, /up to date/.test(again.said)], [0, true]);
});

test("OpenSSL is asked of upstream under its own path, and another content is refused", {
  skip: skip || tlsNotBuilt,
  timeout: 120_000,
}, async (t) => {
  const place = copyOf(t, { sources: false, zigCache: true });
  mkdirSync(join(place.cache, "sources"));
  for (const name of readdirSync(join(cached, "sources")).filter((one) => !one.startsWith("openssl-"))) {
    symlinkSync(join(cached, "sources", name), join(place.cache, "sources", name));
  }
  const { url, asked } = await upstreamServer(t, () => archiveOf("cjson", "openssl-3.5.7"));
  const { code, said } = await place.build({ MQTT_LAB_UPSTREAM: url }, "--tls");
  assert.equal(code, 3);
  assert.match(said, /with TLS was not built: the sources of openssl [\s\S]*wrong checksum/);
  assert.deepEqual(asked, ["/openssl/openssl/releases/download/openssl-3.5.7/openssl-3.5.7.tar.gz"]);
  assert.ok(existsSync(join(place.root, "out", "manifest.json")), "those without TLS are there all the same");
});

for (const [what, perl, words] of [
  ["no perl", null, /perl is not installed/],
  [
    "a part of perl",
    '#!/bin/sh\necho "Can\'t locate FindBin.pm in @INC" >&2\nexit 2\n',
    /perl has no module FindBin: only a part of it/,
  ],
] as const) {
  test(`${what}: what is missing is named, and the programs without TLS are there`, {
    skip: skip || tlsNotBuilt,
    timeout: 120_000,
  }, async (t) => {
    const place = copyOf(t, { sources: true, zigCache: true });
    const bin = join(place.cache, "bin");
    mkdirSync(bin);
    if (perl) writeFileSync(join(bin, "perl"), perl, { mode: 0o755 });
    const { code, said } = await place.build({ PATH: bin }, "--tls");
    assert.equal(code, 3);
    for (const pattern of [words, /OpenSSL's configuration needs it/, /Try: install perl/, /npm run doctor/]) {
      assert.match(said, pattern);
    }
    assert.ok(existsSync(join(place.root, "out", "manifest.json")));
    assert.ok(!existsSync(join(place.root, "out", "tls")));
  });
}

test("a lock that a dead process left is taken over", { skip, timeout: 120_000 }, async (t) => {
  const place = copyOf(t, { sources: true, zigCache: true });
  writeFileSync(join(place.cache, "build.lock"), "999999999");
  const { code, said } = await place.build();
  assert.equal(code, 0, said);
  assert.ok(!existsSync(join(place.cache, "build.lock")));
});

test("a build ends with whoever asked for it, its compiler too", { skip, timeout: 120_000 }, async (t) => {
  const place = copyOf(t, { sources: true, zigCache: false });
  const child = spawn(process.execPath, [join(place.root, "build.mjs"), "--asked"], {
    env: { ...process.env, MQTT_LAB_EMBEDDED_CACHE: place.cache },
    stdio: ["pipe", "ignore", "pipe"],
  });
  let said = "";
  const compiling = new Promise<void>((resolve) => {
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes("compiling mosquitto (1 of")) resolve();
    });
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  await compiling;
  child.stdin!.end();
  assert.equal(await ended, 130, said);
  const work = join(place.cache, "work");
  if (process.platform === "linux") {
    const inWork = (pid: string) => {
      try {
        return readlinkSync(join("/proc", pid, "cwd")).startsWith(work);
      } catch {
        return false;
      }
    };
    await until("no compiler is left", () => !readdirSync("/proc").some((pid) => /^\d+$/.test(pid) && inWork(pid)));
  }
});

test("words it doesn't know, help and licences", { skip }, async (t) => {
  const place = copyOf(t, { sources: true, zigCache: true });
  const wrong = await place.build({}, "--fast");
  assert.deepEqual([wrong.code, /npm run embedded/.test(wrong.said)], [2, true]);
  const help = await place.build({}, "--help");
  assert.deepEqual([help.code, /never against upstream\s+itself/.test(help.said)], [0, true]);
  assert.equal((await place.build({}, "--licences")).code, 3);
  cpSync(builtFolder(), join(place.root, "out"), { recursive: true });
  const licences = await place.build({}, "--licences");
  assert.equal(licences.code, 0);
  const openssl = existsSync(tlsFolder()) ? [/openssl-LICENSE[\s\S]*Apache License/] : [];
  for (const name of [/Eclipse Public License/, /Dave Gamble/, /musl/, ...openssl]) assert.match(licences.said, name);
});
