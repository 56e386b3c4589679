import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { findDocker, parseAddress, publishAddress } from "kernel-helpers/dist/brokers/docker/address";
import { call, engineError, isPortTaken } from "kernel-helpers/dist/brokers/docker/client";
import { findProgram } from "kernel-helpers/dist/brokers/local/machine";
import { engines, selectEngine } from "kernel-helpers/dist/brokers/select";
import { LabError, type LabErrorCode } from "kernel-helpers/dist/core/errors";

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "select-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A stand-in for an engine's socket: there is no other way to have a hanging or a babbling one. */
async function socket(t: TestContext, answer: RequestListener): Promise<string> {
  const path = join(folder(t), "engine.sock");
  const server: Server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return path;
}

const version =
  (text: string): RequestListener =>
  (_request, response) =>
    response.end(text);

async function fails(code: LabErrorCode, act: Promise<unknown>): Promise<LabError> {
  const error = await act.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof LabError, `expected ${code}, got ${String(error)}`);
  assert.equal(error.code, code);
  return error;
}

/** Runs with other environment variables; the engine is asked for them at each call. */
async function withEnv<T>(values: Record<string, string | undefined>, act: () => Promise<T>): Promise<T> {
  const before = Object.fromEntries(Object.keys(values).map((key) => [key, process.env[key]]));
  const set = (all: Record<string, string | undefined>) => {
    for (const [key, value] of Object.entries(all)) {
      if (value === undefined) delete process.env[key];
      else process.env[key] = value;
    }
  };
  set(values);
  try {
    return await act();
  } finally {
    set(before);
  }
}

test("addresses as DOCKER_HOST writes them", () => {
  assert.equal(parseAddress("unix:///run/x.sock").socketPath, "/run/x.sock");
  assert.deepEqual(parseAddress("tcp://10.0.0.5"), {
    name: "tcp://10.0.0.5",
    protocol: "http",
    host: "10.0.0.5",
    port: 2375,
  });
  const secure = parseAddress("tcp://box:2376", "/certs");
  assert.deepEqual([secure.protocol, secure.host, secure.port, secure.certificates], ["https", "box", 2376, "/certs"]);
  const ssh = parseAddress("ssh://ada@box");
  assert.deepEqual([ssh.protocol, ssh.host, ssh.port, ssh.username], ["ssh", "box", 22, "ada"]);
  assert.equal(parseAddress("tcp://[::1]:2375").host, "::1");
  for (const wrong of ["", "box", "ftp://x", "tcp://", "box:2375", "tcp:/x"]) {
    assert.throws(() => parseAddress(wrong), { code: "BAD_ARGUMENT", hint: /unset DOCKER_HOST/ }, wrong);
  }
});

test("a remote engine's ports are published on and reached at its own address", async () => {
  assert.deepEqual(await publishAddress(parseAddress("unix:///x")), { bind: "127.0.0.1", reach: "127.0.0.1" });
  assert.deepEqual(await publishAddress(parseAddress("tcp://localhost:2375")), {
    bind: "127.0.0.1",
    reach: "127.0.0.1",
  });
  assert.deepEqual(await publishAddress(parseAddress("tcp://10.1.2.3:2375")), { bind: "10.1.2.3", reach: "10.1.2.3" });
});

test("DOCKER_HOST that nobody answers is an error, never another engine", async () => {
  for (const DOCKER_HOST of ["tcp://127.0.0.1:1", "unix:///nowhere/engine.sock"]) {
    const error = await withEnv({ DOCKER_HOST, MQTT_LAB_ENGINE: undefined }, () =>
      fails("ENGINE_UNREACHABLE", selectEngine()),
    );
    assert.match(error.message, new RegExp(DOCKER_HOST));
    assert.match(error.hint, /unset DOCKER_HOST/);
  }
});

test("DOCKER_HOST that isn't an engine", async (t) => {
  for (const answer of [version("<html>hello</html>"), version("{}"), version("null"), version("")]) {
    const path = await socket(t, answer);
    await fails("ENGINE_UNREACHABLE", findDocker({ DOCKER_HOST: `unix://${path}` }));
  }
});

test("an engine that never answers is given up", { timeout: 20_000 }, async (t) => {
  const path = await socket(t, () => {});
  await fails("ENGINE_UNREACHABLE", findDocker({ DOCKER_HOST: `unix://${path}` }));
});

test("Podman's socket says that it is Podman's", async (t) => {
  const path = await socket(
    t,
    version('{"Version":"5.4.0","Components":[{"Name":"Podman Engine","Version":"5.4.0"}]}'),
  );
  const found = await findDocker({ DOCKER_HOST: `unix://${path}` });
  assert.equal(found.product, "Podman 5.4.0");
});

test("a context that DOCKER_CONTEXT names is followed, and must be there", async (t) => {
  const path = await socket(t, version('{"Version":"28.2.2"}'));
  const config = folder(t);
  const meta = join(config, "contexts", "meta", createHash("sha256").update("course").digest("hex"));
  mkdirSync(meta, { recursive: true });
  writeFileSync(join(meta, "meta.json"), JSON.stringify({ Endpoints: { docker: { Host: `unix://${path}` } } }));
  const found = await findDocker({ DOCKER_CONFIG: config, DOCKER_CONTEXT: "course" });
  assert.equal(found.address.socketPath, path);
  assert.equal(found.product, "Docker Engine 28.2.2");
  await fails("ENGINE_UNREACHABLE", findDocker({ DOCKER_CONFIG: config, DOCKER_CONTEXT: "absent" }));
  writeFileSync(join(config, "config.json"), JSON.stringify({ currentContext: "course" }));
  assert.equal((await findDocker({ DOCKER_CONFIG: config })).address.socketPath, path);
});

test("a socket without permission is told apart from no engine", async (t) => {
  if (process.getuid?.() !== 0) {
    const path = await socket(t, version('{"Version":"28.2.2"}'));
    chmodSync(path, 0);
    await fails("ENGINE_FORBIDDEN", findDocker({ DOCKER_HOST: `unix://${path}` }));
    return;
  }
  // Root may use any socket, so another user asks.
  const path = await socket(t, version('{"Version":"28.2.2"}'));
  chmodSync(join(path, ".."), 0o755);
  chmodSync(path, 0o600);
  const script = `
    const { findDocker } = require(${JSON.stringify(require.resolve("kernel-helpers/dist/brokers/docker/address"))});
    process.setgid(65534); process.setuid(65534);
    findDocker({ DOCKER_HOST: ${JSON.stringify(`unix://${path}`)} }).catch((error) => console.log(error.code, error.hint));`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  for await (const chunk of child.stdout!) said += chunk;
  assert.match(said, /^ENGINE_FORBIDDEN .*usermod/);
});

test("an engine is chosen by name, by MQTT_LAB_ENGINE, or by what it can", async (t) => {
  await fails(
    "BAD_ARGUMENT",
    withEnv({ MQTT_LAB_ENGINE: "podman" }, () => selectEngine()),
  );
  if (!findProgram("mosquitto")) return t.skip("mosquitto is not installed here");
  const local = await withEnv({ MQTT_LAB_ENGINE: "local", DOCKER_HOST: "tcp://127.0.0.1:1" }, () => selectEngine());
  assert.equal(local.engine.kind, "local");
  assert.equal(local.probe.kind, "local");
  assert.equal((await selectEngine({ wanted: "local" })).engine.kind, "local");
  const all = await engines();
  assert.deepEqual(
    all.map((probe) => probe.kind),
    ["docker", "embedded", "local"],
  );
  for (const probe of all) assert.equal(probe.available, probe.reason === undefined);
});

test("a local engine that isn't installed names the package", async (t) => {
  const error = await withEnv({ MQTT_LAB_MOSQUITTO_BIN: folder(t) }, () =>
    fails("NO_ENGINE", selectEngine({ wanted: "local" })),
  );
  assert.match(error.hint, /apt install mosquitto/);
});

test("what an engine's API throws becomes something to act on", async () => {
  const code = (error: object) => (engineError(error, "x") as { code?: string }).code;
  assert.equal(code(Object.assign(new Error("connect"), { code: "ECONNREFUSED" })), "ENGINE_LOST");
  assert.equal(
    code(Object.assign(new Error("x"), { statusCode: 500, message: "write: no space left on device" })),
    "DISK_FULL",
  );
  assert.equal(
    code(Object.assign(new Error("non-overlapping IPv4 address pool"), { statusCode: 500 })),
    "ENGINE_CANNOT",
  );
  const other = new Error("unknown");
  assert.equal(engineError(other, "x"), other);
  await assert.rejects(
    call("x", async () => {
      throw other;
    }),
    other,
  );
  assert.equal(isPortTaken(new Error("Bind for 127.0.0.1:1 failed: port is already allocated")), true);
  assert.equal(isPortTaken(new LabError("PORT_TAKEN", "Error: Address already in use", "x")), false);
});
