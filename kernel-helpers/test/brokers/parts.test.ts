import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createServer } from "node:net";
import test from "node:test";
import { releases } from "kernel-helpers/dist/brokers/docker/images";
import { lineSink } from "kernel-helpers/dist/brokers/line-sink";
import { canListen, freePort, returnPort } from "kernel-helpers/dist/brokers/ports";
import { answers } from "kernel-helpers/dist/brokers/probe";
import { pack, unpack } from "kernel-helpers/dist/brokers/tar";
import { withLock } from "kernel-helpers/dist/core/lock";
import { LogBook } from "kernel-helpers/dist/core/log-book";

test("tar: what is packed comes back, and the system's tar reads it", () => {
  const long = `mosquitto/config/${"deep/".repeat(30)}é.txt`;
  const files = [
    { path: "a", content: new Uint8Array(), mode: 0o600 },
    { path: "mosquitto/config/b", content: new Uint8Array(513).fill(7), mode: 0o644 },
    { path: long, content: new TextEncoder().encode("x"), mode: 0o600 },
  ];
  const archive = pack(files, { uid: 1883, gid: 1883 }, ["mosquitto/config"]);
  assert.deepEqual(
    [...unpack(archive)],
    files.map(({ path, content }) => [path, content]),
  );
  const listed = execFileSync("tar", ["-tvf", "-", "--numeric-owner"], { input: archive, encoding: "utf8" });
  assert.match(listed, /^-rw------- 1883\/1883 +0 .* a$/m);
  assert.match(listed, /^drwxr-xr-x 1883\/1883 .* mosquitto\/config\/$/m);
  assert.equal(listed.trim().split("\n").length, 4);
});

test("lines: whole ones, whatever the pieces", async () => {
  const lines: string[] = [];
  const sink = lineSink((line) => lines.push(line));
  const bytes = Buffer.from("first\r\nsécond\n\nlast");
  for (const byte of bytes) sink.write(Buffer.from([byte]));
  await new Promise<void>((resolve) => sink.end(resolve));
  assert.deepEqual(lines, ["first", "sécond", "", "last"]);
});

test("a lock lets one in at a time, also after a failure", async () => {
  let inside = 0;
  const name = `test-${process.pid}`;
  const enter = (fail: boolean) =>
    withLock(name, async () => {
      assert.equal(++inside, 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside--;
      if (fail) throw new Error("on purpose");
    });
  const outcomes = await Promise.allSettled([enter(true), enter(false), enter(true)]);
  assert.deepEqual(
    outcomes.map((one) => one.status),
    ["rejected", "fulfilled", "rejected"],
  );
});

test("ports: free, distinct, below those given to outgoing connections", async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, () => freePort("127.0.0.1")));
  assert.equal(new Set(ports).size, 50);
  for (const port of ports) assert.ok(port >= 20_000 && port < 32_000);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(ports[0], "127.0.0.1", resolve));
  assert.equal(await canListen("127.0.0.1", ports[0]!), false);
  await new Promise((resolve) => server.close(resolve));
  assert.equal(await canListen("127.0.0.1", ports[0]!), true);
  for (const port of ports) returnPort(port);
});

test("a probe is not fooled by an open port", async (t) => {
  const listener = (protocol: "mqtt" | "websockets" | "http_api", hostPort: number, tls = false) => ({
    protocol,
    tls,
    host: "127.0.0.1",
    hostPort,
  });
  for (const [what, say] of [
    ["says nothing", null],
    ["closes", ""],
    ["speaks HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["speaks something else", "220 mail\r\n"],
  ] as const) {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      if (say === "") socket.destroy();
      else if (say) socket.write(say);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    const { port } = server.address() as { port: number };
    for (const asked of [listener("mqtt", port), listener("websockets", port), listener("mqtt", port, true)]) {
      await assert.rejects(answers(asked, AbortSignal.timeout(150)), Error, `${what}: ${asked.protocol}`);
    }
  }
});

test("a probe takes any CONNACK, in one piece or two", async (t) => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (connect) => {
      assert.equal(connect[0], 0x10);
      assert.match(connect.toString("latin1"), /MQTT.+mqtt-notebooks-probe/s);
      socket.write(Buffer.from([0x20]));
      setTimeout(() => socket.write(Buffer.from([2, 0, 5])), 5);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const asked = { protocol: "mqtt" as const, tls: false, host: "127.0.0.1", hostPort: port };
  await answers(asked, AbortSignal.timeout(2_000));
});

test("the log marks the connection of a probe, and no other", () => {
  const log = new LogBook();
  log.append("1: New connection from 172.17.0.1:5000 on port 1883.");
  log.append("1: New connection from 172.17.0.1:5001 on port 1883.");
  log.append("1: New client connected from 172.17.0.1:5000 as mqtt-notebooks-probe-1 (p4, c1, k10).");
  log.append("1: No will message specified.");
  log.append("1: New client connected from 172.17.0.1:5001 as meter (p5, c1, k60).");
  log.append("1: No will message specified.");
  assert.deepEqual(
    log.lines.map((line) => line.probe),
    [true, false, true, true, false, false],
  );
  assert.doesNotMatch(log.tail(), /probe/);
});

test("a failed handshake is a probe's until somebody else connects", () => {
  const log = new LogBook();
  const failed = "1: OpenSSL Error while trying to get the error[0]: error:0A0000C7:SSL routines::peer did not return";
  const done = log.probing();
  log.append("1: New connection from 172.17.0.1:5000 on port 8883.");
  done();
  log.append(failed);
  log.append("1: New connection from 172.17.0.1:5001 on port 8883.");
  log.append(failed);
  assert.deepEqual(
    log.lines.map((line) => line.probe),
    [true, true, false, false],
  );
});

test("a probe's connection of which the log tells late is still the probe's, and the next one is not", () => {
  const log = new LogBook();
  const failed = "1: OpenSSL Error while trying to get the error[0]: error:0A0000C7:SSL routines::peer did not return";
  const done = log.probing();
  log.append("1: New connection from 172.17.0.1:5000 on port 8884.");
  done([8883, 8884]);
  log.append("1: New connection from 172.17.0.1:5001 on port 8883.");
  log.append(failed);
  log.append("1: New connection from 172.17.0.1:5002 on port 8883.");
  log.append(failed);
  log.append("1: New connection from 172.17.0.1:5003 on port 8884.");
  assert.deepEqual(
    log.lines.map((line) => line.probe),
    [true, true, true, false, false, false],
  );
});

test("each release has one Debian and one version, read from the Dockerfile", () => {
  const rows = releases();
  assert.deepEqual(
    rows.map((row) => row.release),
    ["2.1", "2.0.21", "2.0.11"],
  );
  assert.equal(new Set(rows.map((row) => row.debian)).size, 3);
});
