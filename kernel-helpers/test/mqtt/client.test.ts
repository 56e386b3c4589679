import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { inspect } from "node:util";
import { LabError } from "kernel-helpers/dist/core/errors";
import { type LabClient, type LabClientOptions, openClient } from "kernel-helpers/dist/mqtt/client";
import { openRaw } from "kernel-helpers/dist/mqtt/raw";
import { mosquitto, noMosquitto, type TestBroker } from "./mosquitto";

const skip = noMosquitto;
let broker: TestBroker;
const opened: LabClient[] = [];

before(async () => {
  if (!skip) broker = await mosquitto();
});

afterEach(async () => {
  for (const client of opened.splice(0)) await client.close();
});

after(async () => {
  await broker?.stop();
});

async function open(options: LabClientOptions = {}, url = broker.url): Promise<LabClient> {
  const client = await openClient(url, options);
  opened.push(client);
  return client;
}

const code = (wanted: string, message?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof LabError, String(error));
  assert.equal(error.code, wanted, error.message);
  assert.ok(error.hint);
  if (message) assert.match(error.message, message);
  return true;
};

test("a client publishes and receives, in every version and over WebSockets", { skip }, async () => {
  for (const [protocolVersion, url] of [
    [3, broker.url],
    [4, broker.url],
    [5, broker.url],
    [5, `ws://127.0.0.1:${broker.webPort}`],
  ] as const) {
    const client = await open({ protocolVersion }, url);
    assert.match(client.clientId, /^client-[0-9a-f]{6}$/);
    await client.mqtt.subscribeAsync("t/#", { qos: 2 });
    await client.mqtt.publishAsync("t/1", "grüß", { qos: 2 });
    const message = await client.next("t/1");
    assert.deepEqual([message.topic, message.text, message.qos, message.retain], ["t/1", "grüß", 2, false]);
    assert.match(inspect(client), /connected · 1 message received$/);
    await client.close();
    await client.close();
  }
});

test("next and collect take each message once, and say what came instead", { skip }, async () => {
  const client = await open();
  await client.mqtt.subscribeAsync("n/#", { qos: 1 });
  for (const n of [1, 2, 3, 4]) await client.mqtt.publishAsync(`n/${n}`, `${n}`, { qos: 1 });
  assert.equal((await client.next("n/3")).text, "3");
  assert.deepEqual(
    (await client.collect(2)).map((one) => one.text),
    ["1", "2"],
  );
  await assert.rejects(client.next("n/9", { timeout: 30 }), code("TIMEOUT", /on n\/9 and got none.*there was n\/4/s));
  await assert.rejects(client.collect(2, { timeout: 30 }), code("TIMEOUT", /2 messages and got 1/));
  const both = Promise.all([client.next(), client.next()]);
  await client.mqtt.publishAsync("n/5", "5", { qos: 1 });
  assert.deepEqual(
    (await both).map((one) => one.text),
    ["4", "5"],
  );
  for (const n of ["a", "b", "end", "c"]) await client.mqtt.publishAsync("n/x", n, { qos: 1 });
  const all = await client.collect({ until: (one) => one.text === "end" });
  assert.deepEqual(
    all.map((one) => one.text),
    ["a", "b", "end"],
  );
});

test("a resumed session loses nothing", { skip }, async () => {
  const options = { clientId: "durable", clean: false, properties: { sessionExpiryInterval: 60 } };
  const first = await open(options);
  await first.mqtt.subscribeAsync("q/#", { qos: 1 });
  await first.close();
  const sender = await open();
  for (let n = 0; n < 60; n++) await sender.mqtt.publishAsync("q/1", String(n), { qos: 1 });
  const again = await open(options);
  assert.equal(again.connack.sessionPresent, true);
  const all = await again.collect(60);
  assert.deepEqual(
    all.map((one) => Number(one.text)),
    Array.from({ length: 60 }, (_, n) => n),
  );
});

test("silence holds without a sleep, and breaks when something came", { skip }, async () => {
  const client = await open();
  const everything = await open();
  await everything.mqtt.subscribeAsync("#", { qos: 1 });
  await client.mqtt.subscribeAsync(["#", "s/#"], { qos: 1 });
  await client.silence();
  await everything.mqtt.publishAsync("s/1", "x", { qos: 1 });
  await assert.rejects(client.silence("s/1"), code("TIMEOUT", /got s\/1 "x"/));
  await client.silence("s/2");
  // Whoever is subscribed to # sees nothing of the barriers.
  await everything.silence((message) => message.topic !== "s/1");
  await client.silence((message) => message.topic !== "s/1");
});

test("silence holds where the access rules forbid every other topic", { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "mqtt-acl-"));
  chmodSync(folder, 0o755);
  writeFileSync(`${folder}/acl`, "topic readwrite open/#\n");
  const strict = await mosquitto(`allow_anonymous true\nacl_file ${folder}/acl`);
  try {
    for (const protocolVersion of [4, 5] as const) {
      const client = await open({ protocolVersion }, strict.url);
      await client.mqtt.subscribeAsync("open/#", { qos: 1 });
      await client.silence();
      for (let n = 0; n < 30; n++) client.mqtt.publish("open/a", "x", { qos: 0 });
      await client.settled();
      assert.equal(client.messages.length, 30);
      await client.close();
    }
  } finally {
    await strict.stop();
    rmSync(folder, { recursive: true });
  }
});

test("acknowledgements show the reason codes that the promises hide", { skip }, async () => {
  const client = await open();
  await client.mqtt.publishAsync("nobody/listens", "x", { qos: 1 });
  await client.mqtt.unsubscribeAsync("never/subscribed");
  assert.deepEqual(
    client.acks.map(({ type, codes }) => [type, codes]),
    [
      ["PUBACK", [0x10]],
      ["UNSUBACK", [0x11]],
    ],
  );
});

test("promises reject when the broker ends the connection", { skip }, async () => {
  for (const clean of [true, false]) {
    const id = `taken-${clean}`;
    const client = await open({ clientId: id, clean, properties: { sessionExpiryInterval: 5 } });
    // An answer that cannot come: the stream reads no more.
    (client.mqtt.stream as unknown as { pause(): void }).pause();
    const pending = assert.rejects(client.mqtt.publishAsync("p", "x", { qos: 1 }), /Connection closed/);
    const waiting = assert.rejects(client.next(), code("TIMEOUT", /before the connection ended/));
    client.cut();
    await client.closed;
    await waiting;
    if (!clean) await client.close();
    await pending;
  }
});

test("a takeover ends the older client with the broker's reason", { skip }, async () => {
  const older = await open({ clientId: "twin" });
  const waiting = older.next().catch((error: LabError) => error);
  await open({ clientId: "twin" });
  await older.closed;
  assert.equal(((await waiting) as LabError).code, "TIMEOUT");
});

test("cut leaves without DISCONNECT, and the will is published", { skip }, async () => {
  const watcher = await open();
  await watcher.mqtt.subscribeAsync("will", { qos: 1 });
  const client = await open({ will: { topic: "will", payload: Buffer.from("gone"), qos: 1, retain: false } });
  client.cut();
  await client.closed;
  assert.equal((await watcher.next("will")).text, "gone");
});

test("refused and failed connections say why", { skip }, async () => {
  const closed = await mosquitto("allow_anonymous false");
  try {
    await assert.rejects(openClient(closed.url), code("CONNECT_REFUSED", /0x87, Not authorized/));
    await assert.rejects(
      openClient(closed.url, { protocolVersion: 4 }),
      code("CONNECT_REFUSED", /0x05.*not authorized/),
    );
  } finally {
    await closed.stop();
  }
  await assert.rejects(openClient(closed.url), code("CONNECT_FAILED", /ECONNREFUSED/));
  await assert.rejects(openClient("nonsense"), code("BAD_ARGUMENT"));
  await assert.rejects(openClient("http://127.0.0.1:1"), code("BAD_ARGUMENT"));
});

test("a server that says nothing, or hangs up, fails the connection in time", async () => {
  const silent = createServer((socket) => socket.on("error", () => undefined));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const port = (silent.address() as { port: number }).port;
  await assert.rejects(
    openClient(`mqtt://127.0.0.1:${port}`, { timeout: 60 }),
    code("CONNECT_FAILED", /no CONNACK|timeout/i),
  );
  silent.once("connection", (socket) => socket.destroy());
  await assert.rejects(openClient(`mqtt://127.0.0.1:${port}`), code("CONNECT_FAILED", /closed|RESET/));
  silent.close();
});

test("close is bounded when the broker is frozen", { skip }, async () => {
  const frozen = await mosquitto();
  const client = await openClient(frozen.url);
  frozen.freeze();
  await client.close();
  await client.closed;
  await frozen.stop();
});

test("a raw client breaks the protocol, and sees how the broker ends it", { skip }, async () => {
  const raw = await openRaw(broker);
  await raw.send({ type: "PUBLISH", topicName: "x", payload: "y" });
  assert.equal((await raw.closed).by, "broker");
  assert.equal(raw.received.length, 0);
  assert.equal(raw.sent[0]!.packet.clause, "[MQTT-3.1.0-1]");
  await assert.rejects(raw.send("c0 00"), code("CONNECT_FAILED", /ended by the broker/));
  await assert.rejects(raw.next(), code("TIMEOUT", /before the connection ended/));
  assert.match(inspect(raw), /ended by the broker/);
});

test("a raw client speaks MQTT byte by byte", { skip }, async () => {
  for (const protocolVersion of [3, 4, 5] as const) {
    const raw = await openRaw(`mqtt://127.0.0.1:${broker.port}`);
    const { encodePacket } = await import("kernel-helpers/dist/mqtt/codec");
    const connect = encodePacket({ type: "CONNECT", protocolVersion, clientIdentifier: `raw-${protocolVersion}` });
    for (const byte of connect) await raw.send(Uint8Array.of(byte));
    const { packet } = await raw.next("CONNACK");
    assert.equal(packet.reasonCode ?? packet.returnCode, 0);
    await raw.send({ type: "SUBSCRIBE", packetIdentifier: 1, subscriptions: [{ topicFilter: "r/#", qos: 1 }] });
    await raw.next("SUBACK");
    await raw.send({ type: "PUBLISH", qos: 1, packetIdentifier: 2, topicName: "r/1", payload: "hello" });
    const message = await raw.next("PUBLISH");
    assert.equal(message.packet.payloadText, "hello");
    assert.equal((await raw.next("PUBACK")).packet.packetIdentifier, 2);
    await raw.send("c0 00");
    await raw.next("PINGRESP");
    await raw.close();
    assert.deepEqual(await raw.closed, { by: "client", how: "FIN" });
    await raw.close();
  }
  await assert.rejects(openRaw(`ws://127.0.0.1:${broker.webPort}`), code("BAD_ARGUMENT"));
  await assert.rejects(openRaw({ host: "127.0.0.1", port: 1 }), code("CONNECT_FAILED", /ECONNREFUSED/));
});

test("reset is seen by the broker as a break, so the will is published", { skip }, async () => {
  const watcher = await open();
  await watcher.mqtt.subscribeAsync("raw/will");
  const raw = await openRaw(broker.url);
  await raw.send({ type: "CONNECT", clientIdentifier: "raw-will", will: { topic: "raw/will", payload: "gone" } });
  await raw.next("CONNACK");
  raw.reset();
  assert.deepEqual(await raw.closed, { by: "client", how: "RST" });
  assert.equal((await watcher.next("raw/will")).text, "gone");
});

test("a client that was closed says so to whoever goes on using it, and may be connected again", { skip }, async () => {
  const client = await open({ clientId: "closed-early" });
  await client.close();
  await new Promise(setImmediate);
  for (const qos of [0, 1, 2] as const) {
    await assert.rejects(client.mqtt.publishAsync("t/late", "x", { qos }), /client disconnecting/);
  }
  await assert.rejects(client.mqtt.subscribeAsync("t/late"), /client disconnecting/);
  const connected = new Promise((resolve) => client.mqtt.once("connect", resolve));
  client.mqtt.reconnect();
  await connected;
  await client.mqtt.publishAsync("t/again", "x", { qos: 1 });
});
