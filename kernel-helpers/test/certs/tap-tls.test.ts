import assert from "node:assert/strict";
import { createServer as createPlain } from "node:net";
import { after, before, describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { inspect } from "node:util";
import { type Authority, type Broker, type Lab, openLab, type Tap } from "kernel-helpers";
import type { EngineKind } from "kernel-helpers/dist/brokers/engine";
import { until } from "kernel-helpers/dist/core/until";
import { handshakeMessage } from "kernel-helpers/dist/mqtt/tls-hello";
import { type HeardRecord, TlsReader } from "kernel-helpers/dist/mqtt/tls-reader";
import { websocketFaults } from "../mqtt/websocket-faults";
import { whyNoTls } from "./tls-here";

const CONF = `
allow_anonymous true
listener 8883
certfile /mosquitto/config/server.crt
keyfile /mosquitto/config/server.key
listener 8884
certfile /mosquitto/config/server.crt
keyfile /mosquitto/config/server.key
cafile /mosquitto/config/ca.crt
require_certificate true
listener 9883
protocol websockets
certfile /mosquitto/config/server.crt
keyfile /mosquitto/config/server.key
`;
const SECRET = "the setpoint is 71.5";

for (const engine of ["docker", "embedded", "local"] as const satisfies EngineKind[]) {
  describe(`TLS through a tap on ${engine}`, () => suite(engine));
}

function suite(engine: EngineKind): void {
  let lab: Lab;
  let ca: Authority;
  let broker: Broker;
  let missing = "";

  before(async () => {
    missing = await whyNoTls(engine);
    if (missing) return;
    lab = await openLab("tap-tls-test", { engine });
    ca = await lab.authority();
    const server = await ca.server("broker");
    broker = await lab.broker({
      conf: CONF,
      files: { "server.crt": server.chain, "server.key": server.key, "ca.crt": ca.certificate },
    });
  });

  after(() => lab?.close());

  const brokerTest = (name: string, body: () => Promise<void>) =>
    test(name, async (t) => (missing ? t.skip(missing) : body()));

  const trust = () => ({ ca: ca.certificate });
  const messages = (tap: Tap, name: string) =>
    tap.records.flatMap((record) => record.messages.filter((one) => one.name === name));
  const readable = (tap: Tap) => Buffer.concat(tap.records.map((record) => record.bytes)).toString("latin1");

  async function speak(tap: Tap, options: object = {}): Promise<void> {
    const client = await lab.client(tap, { name: "speaker", ...trust(), ...options });
    await client.mqtt.subscribeAsync("plant/#", { qos: 1 });
    await client.mqtt.publishAsync("plant/setpoint", SECRET, { qos: 1 });
    assert.equal((await client.next()).text, SECRET);
    await client.close();
  }

  brokerTest(
    "an eavesdropper of TLS 1.3 sees sizes, the host's name and the versions; no certificate, no packet",
    async () => {
      const tap = await lab.tap(broker);
      await speak(tap, { servername: "broker", ALPNProtocols: ["mqtt"] });
      const [hello] = messages(tap, "ClientHello");
      assert.equal(hello?.serverName, "broker");
      assert.deepEqual(hello?.alpn, ["mqtt"]);
      assert.deepEqual(hello?.versions, ["TLS 1.3", "TLS 1.2"]);
      const [answer] = messages(tap, "ServerHello");
      assert.deepEqual(answer?.versions, ["TLS 1.3"]);
      assert.match(answer?.cipher ?? "", /^TLS_AES_/);
      assert.deepEqual(messages(tap, "Certificate"), []);
      assert.equal(tap.packets.length, 0);
      assert.ok(!readable(tap).includes("setpoint"));
      const { toBroker, toClient } = tap.connections[0]!;
      const bytes = (direction: string) =>
        tap.records.filter((one) => one.direction === direction).reduce((sum, one) => sum + one.length, 0);
      assert.equal(bytes("to-broker"), toBroker);
      assert.equal(bytes("to-client"), toClient);
    },
  );

  brokerTest("in TLS 1.2 the certificates are in clear, the client's too", async () => {
    const tap = await lab.tap(broker.listeners[8884]!, { name: "mutual" });
    const { chain, key } = await ca.client("sensor-1");
    await speak(tap, { cert: chain, key, maxVersion: "TLSv1.2" });
    const [server, client] = messages(tap, "Certificate");
    assert.deepEqual(
      server?.certificates?.map((one) => one.subject),
      ["CN=broker", "CN=plant intermediate"],
    );
    assert.equal(client?.certificates?.[0]?.subject, "CN=sensor-1");
    assert.ok(
      tap.records.some((one) => one.type === "handshake" && one.encrypted),
      "Finished is for the two ends",
    );
    assert.ok(!messages(tap, "ServerHello")[0]?.says.some((line) => line.includes("certificate too")));
    assert.ok(!readable(tap).includes("setpoint"));
  });

  brokerTest("a handshake that asks for another ClientHello is read to its end", async () => {
    const tap = await lab.tap(broker, { name: "retry" });
    const { host, port } = tap;
    await new Promise<void>((resolve, reject) => {
      // A first key share that the server does not take.
      const socket = connectTls({ host, port, ...trust(), ecdhCurve: "X448:P-256:P-384" }, () => {
        socket.end();
        resolve();
      });
      socket.on("error", reject);
    });
    await until("the server answered", () => messages(tap, "ServerHello").length > 0);
    const names = tap.records.flatMap((record) => record.messages.map((one) => one.name));
    if (names.includes("HelloRetryRequest")) {
      assert.deepEqual(names.slice(0, 4), ["ClientHello", "HelloRetryRequest", "ClientHello", "ServerHello"]);
    }
    assert.ok(!names.some((name) => name.startsWith("handshake message")), names.join(", "));
  });

  brokerTest("a refused version is an alert in clear", async () => {
    const tap = await lab.tap(broker, { name: "old" });
    await assert.rejects(
      lab.client(tap, { ...trust(), minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }),
      { code: "CONNECT_FAILED" },
    );
    await until("the alert came by", () => tap.records.some((one) => one.type === "alert"));
    assert.match(
      tap.records.flatMap((one) => one.messages.map(({ name }) => name)).join(),
      /alert (protocol_version|handshake_failure|internal_error)/,
    );
  });

  brokerTest("a tap with keys of its own reads the packets inside, and the clients' trust is in it", async () => {
    const proxy = await ca.server("proxy");
    const tap = await lab.tap(broker, { name: "inside", tls: { server: proxy, ca: ca.certificate } });
    assert.match(tap.url, /^mqtts:\/\/127\.0\.0\.1:\d+$/);
    assert.equal(new URL(tap.url).port, String(tap.port));
    await speak(tap);
    const types = tap.packets.map((one) => one.packet.type);
    assert.deepEqual(types.slice(0, 4), ["CONNECT", "CONNACK", "SUBSCRIBE", "SUBACK"]);
    assert.ok(tap.select("PUBLISH").some((one) => Buffer.from(one.bytes).includes(SECRET)));
    assert.match(inspect(tap), /^tap mqtts:.*which ends TLS, in front of mqtts:/);
    const stranger = await lab.authority("stranger");
    await assert.rejects(lab.client(tap, { ca: stranger.certificate }), { code: "CONNECT_FAILED" });
    await until("the tap heard of it", () => tap.events.some((one) => /ended the handshake/.test(one.text)));
  });

  brokerTest("it makes faults as a plain tap does", async () => {
    const tap = await lab.tap(broker, {
      name: "faults",
      tls: { server: await ca.server("proxy"), ca: ca.certificate },
    });
    const client = await lab.client(tap, { clientId: "faulty", ...trust() });
    const dropped = tap.drop({ type: "PUBLISH", direction: "to-broker" });
    void client.mqtt.publishAsync("plant/x", "gone", { qos: 1 }).catch(() => undefined);
    await until("it was dropped", () => dropped.count === 1);
    tap.cut();
    await client.closed;
    await tap.close();
    await tap.close();
  });

  brokerTest("towards a broker that asks for a certificate it shows the one it was given", async () => {
    const mutual = broker.listeners[8884]!;
    const server = await ca.server("proxy");
    const without = await lab.tap(mutual, { name: "without", tls: { server, ca: ca.certificate } });
    await assert.rejects(lab.client(without, trust()), { code: "CONNECT_FAILED" });
    await until("it says so", () => without.events.some((one) => /TLS towards the broker/.test(one.text)));
    const client = await ca.client("tap");
    const shows = await lab.tap(mutual, { name: "shows", tls: { server, ca: ca.certificate, client } });
    await speak(shows);
    assert.equal(shows.packets[0]?.packet.type, "CONNECT");
  });

  brokerTest("it trusts no broker that its authority did not issue, and says so", async () => {
    const stranger = await lab.authority("stranger");
    const tls = { server: await ca.server("proxy"), ca: stranger.certificate };
    const tap = await lab.tap(broker, { name: "distrusts", tls });
    await assert.rejects(lab.client(tap, trust()), { code: "CONNECT_FAILED" });
    await until("it says so", () => tap.events.some((one) => /UNABLE_TO_GET_ISSUER_CERT_LOCALLY/.test(one.text)));
  });

  brokerTest("WebSocket through TLS is read inside, too", async () => {
    const tls = { server: await ca.server("proxy"), ca: ca.certificate };
    const tap = await lab.tap(broker.listeners[9883]!, { name: "web", tls });
    assert.match(tap.url, /^wss:/);
    await speak(tap);
    assert.ok(tap.select("PUBLISH").length >= 2);
    const outside = await lab.tap(broker.listeners[9883]!, { name: "web-outside" });
    await speak(outside);
    assert.ok(messages(outside, "ClientHello").length === 1 && outside.packets.length === 0);
  });

  brokerTest("faults meet packets within WebSocket frames within TLS", async () => {
    const tls = { server: await ca.server("proxy"), ca: ca.certificate };
    await websocketFaults(broker.listeners[9883]!.url, { tls }, trust());
  });
}

test("what can't be a terminating tap is named", async () => {
  const server = { chain: "no certificate", key: "no key" };
  const { openTap } = await import("kernel-helpers/dist/mqtt/tap");
  await assert.rejects(openTap("mqtt://127.0.0.1:1", { tls: { server, ca: "" } }), { code: "BAD_ARGUMENT" });
  await assert.rejects(openTap("mqtts://127.0.0.1:1", { tls: { server, ca: "" } }), /can't be read/);
});

test("the reader takes any chunking, and nonsense without a throw", async () => {
  const bytes = await firstFlight();
  const read = (chunks: Buffer[]) => {
    const heard: HeardRecord[] = [];
    const reader = new TlsReader({}, (one) => heard.push(one));
    for (const chunk of chunks) reader.push(chunk);
    reader.end();
    return heard;
  };
  const whole = read([bytes]);
  assert.equal(whole[0]?.messages[0]?.serverName, "broker.example");
  assert.deepEqual(read([...bytes].map((byte) => Buffer.from([byte]))), whole);
  assert.equal(read([Buffer.from("GET / HTTP/1.1\r\n\r\n")])[0]?.type, "not TLS");
  for (let at = 0; at < bytes.length; at += 7) {
    const damaged = Buffer.from(bytes);
    damaged[at]! ^= 0xff;
    for (const record of read([damaged])) assert.ok(record.length > 0);
  }
  for (let length = 0; length < 60; length++) handshakeMessage(bytes.subarray(5, 5 + length));
});

/** The bytes with which a TLS client of this Node begins. */
function firstFlight(): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const server = createPlain((socket) => {
      socket.once("data", (chunk: Buffer) => {
        socket.destroy();
        server.close();
        resolve(chunk);
      });
    });
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      connectTls({ host: "127.0.0.1", port, servername: "broker.example" }).on("error", () => undefined);
    });
    server.on("error", reject);
  });
}
