/** TLS on the embedded broker: OpenSSL itself, so both protocol versions, both transports, bridges, keys of one's own. */
import assert from "node:assert/strict";
import { connect as connectPlain } from "node:net";
import { test } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { EmbeddedBroker } from "kernel-helpers/dist/brokers/embedded/broker";
import { probeConnect } from "kernel-helpers/dist/brokers/probe";
import type { BrokerFile } from "kernel-helpers/dist/brokers/spec";
import { type Authority, type Certificate, openAuthority } from "kernel-helpers/dist/certs/authority";
import { LabError } from "kernel-helpers/dist/core/errors";
import { CLIENT_HELLO } from "./client-hello";
import { anonymous, TestLab, tlsNotBuilt } from "./lab";

const IDENTITY = "certfile /mosquitto/config/server.crt\nkeyfile /mosquitto/config/server.key\n";
const TLS = `allow_anonymous true\nlistener 8883\n${IDENTITY}`;

let authority: Promise<Authority> | undefined;
const ca = () => (authority ??= openAuthority("embedded", "memory"));

const pair = ({ chain, key }: Certificate, name = "server"): Record<string, BrokerFile> => ({
  [`${name}.crt`]: chain,
  [`${name}.key`]: key,
});

/** What a broker named `name` needs of files: its certificate, its key, and whom to trust. */
const filesFor = async (name: string): Promise<Record<string, BrokerFile>> => ({
  ...pair(await (await ca()).server(name)),
  "ca.crt": (await ca()).certificate,
});

const feature = (name: string, run: (lab: TestLab) => Promise<void>) =>
  test(name, { skip: tlsNotBuilt, timeout: 60_000 }, async (t) => run(new TestLab(t)));

/** A connection of Node's own, to see what was agreed. */
async function handshake(broker: EmbeddedBroker, options: object): Promise<TLSSocket> {
  const { host, hostPort } = broker.listeners[0]!;
  const trust = { ca: (await ca()).certificate, servername: "localhost" };
  const socket = connectTls({ host, port: hostPort, ...trust, ...options });
  await new Promise<void>((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  return socket;
}

feature("TLS 1.2 and 1.3, as the client and tls_version want", async (lab) => {
  const broker = await lab.broker({ conf: TLS, files: await filesFor("broker") });
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const socket = await handshake(broker, { minVersion: version, maxVersion: version });
    assert.equal(socket.getProtocol(), version);
    socket.destroy();
    const versions = { minVersion: version, maxVersion: version };
    const client = await lab.client(broker, { ca: (await ca()).certificate, ...(versions as object) });
    await client.mqtt.subscribeAsync("t", { qos: 2 });
    await client.mqtt.publishAsync("t", Buffer.alloc(300_000, "x"), { qos: 2 });
    assert.equal((await client.collected(1))[0]?.payload.length, 300_000);
  }
  const newer = await lab.broker({
    name: "newer",
    conf: `${TLS}tls_version tlsv1.3\n`,
    files: await filesFor("newer"),
  });
  await assert.rejects(handshake(newer, { maxVersion: "TLSv1.2" }), /alert protocol version|wrong version/i);
});

feature("the ciphers that the configuration allows", async (lab) => {
  const conf = `${TLS}ciphers ECDHE-RSA-CHACHA20-POLY1305\n`;
  const broker = await lab.broker({ conf, files: await filesFor("broker") });
  const socket = await handshake(broker, { maxVersion: "TLSv1.2" });
  assert.equal(socket.getCipher().name, "ECDHE-RSA-CHACHA20-POLY1305");
  socket.destroy();
  await assert.rejects(handshake(broker, { maxVersion: "TLSv1.2", ciphers: "ECDHE-RSA-AES128-GCM-SHA256" }));
});

/** What a listener sends to `hello` until it has sent `enough` bytes, or closes. */
async function answerTo(broker: EmbeddedBroker, hello: Uint8Array, enough = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const { host, hostPort } = broker.listeners[0]!;
  let received = Buffer.alloc(0);
  await new Promise<void>((resolve, reject) => {
    const socket = connectPlain(hostPort, host, () => socket.write(hello));
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= enough) socket.destroy();
    });
    socket.on("error", reject).on("close", () => resolve());
  });
  return received;
}

feature("random numbers are the host's: brokers that begin alike answer unlike", async (lab) => {
  const seen = new Set<string>();
  for (const name of ["a", "b"]) {
    const broker = await lab.broker({ name, conf: TLS, files: await filesFor(name) });
    for (let i = 0; i < 3; i++) {
      const answer = await answerTo(broker, CLIENT_HELLO, 43);
      assert.equal(answer.toString("hex", 0, 3), "160303", answer.toString("hex", 0, 20));
      // Of the ServerHello's 32 bytes the last 8 may say that TLS 1.3 was not asked for (RFC 8446, 4.1.3).
      seen.add(answer.toString("hex", 11, 35));
    }
  }
  assert.equal(seen.size, 6);
});

feature("a listener with TLS never answers in clear", async (lab) => {
  const broker = await lab.broker({ conf: TLS, files: await filesFor("broker") });
  const received = await answerTo(broker, probeConnect());
  // Nothing, or an alert record: no CONNACK.
  assert.ok(received.length === 0 || received[0] === 0x15, received.toString("hex"));
});

feature("certificates that aren't there are refused in Mosquitto's words", async (lab) => {
  for (const conf of [
    anonymous("listener 8883\ncertfile /mosquitto/config/none.crt\nkeyfile /mosquitto/config/none.key\n"),
    anonymous("listener 8883\ncertfile /mosquitto/config/server.crt\n"),
    anonymous(`listener 8883\n${IDENTITY}cafile /mosquitto/config/none.crt\n`),
    anonymous("include_dir /mosquitto/config/conf.d\n"),
  ]) {
    const files = { ...(await filesFor("broker")), "conf.d/tls.conf": "listener 8883\ncertfile /c\nkeyfile /k\n" };
    const error = await lab.broker({ conf, files }).catch((one: unknown) => one);
    assert.ok(error instanceof LabError, `started: ${conf}`);
    assert.match(error.code, /BAD_CONFIG|BROKER_EXITED/);
    assert.match(error.message, /certificate|keyfile|certfile|CA/i);
  }
});

feature("TLS that is written into the configuration later is there at the next start", async (lab) => {
  const broker = await lab.broker({ conf: anonymous(), files: await filesFor("broker") });
  await broker.writeFile("/mosquitto/config/mosquitto.conf", anonymous("certfile /c\nkeyfile /k\n"));
  await broker.stop();
  await assert.rejects(broker.start(), /certificate|\/c/);
  assert.equal(broker.state, "exited");
});

feature("websockets over TLS", async (lab) => {
  const conf = `${TLS}protocol websockets\n`;
  const broker = await lab.broker({ conf, files: await filesFor("broker") });
  assert.match(broker.listeners[0]!.url, /^wss:/);
  const client = await lab.client(broker, { ca: (await ca()).certificate });
  await client.mqtt.subscribeAsync("w", { qos: 1 });
  await client.mqtt.publishAsync("w", Buffer.alloc(100_000, "w"), { qos: 1 });
  assert.equal((await client.collected(1))[0]?.payload.length, 100_000);
});

feature("the certificate's name is the user, and plain and TLS listeners live side by side", async (lab) => {
  const broker = await lab.broker({
    conf: `per_listener_settings false\nlistener 1883\nlistener 8883\n${IDENTITY}cafile /mosquitto/config/ca.crt\nrequire_certificate true\nuse_identity_as_username true\nallow_anonymous true\nlog_type all\n`,
    files: await filesFor("broker"),
  });
  await lab.client(broker);
  const { chain, key } = await (await ca()).client("sensor-7");
  const options = { ca: (await ca()).certificate, cert: chain, key: key, clientId: "seven" };
  await lab.client(broker, options, 1);
  const line = await broker.log.until(/as seven/);
  assert.match(line.text, /u'sensor-7'/);
  await assert.rejects(lab.client(broker, { ca: (await ca()).certificate }, 1));
});

feature("a bridge over TLS between two brokers, and none to a stranger", async (lab) => {
  const hub = await lab.broker({ name: "hub", conf: TLS, files: await filesFor("hub") });
  const bridge = (trust: string) =>
    anonymous(`connection up\naddress hub:8883\ntopic # both 1\nbridge_cafile /mosquitto/config/${trust}\n`);
  const stranger = (await openAuthority("stranger", "memory")).certificate;
  const leaf = await lab.broker({
    name: "leaf",
    conf: bridge("ca.crt"),
    files: { "ca.crt": (await ca()).certificate },
  });
  const above = await lab.client(hub, { ca: (await ca()).certificate });
  await above.mqtt.subscribeAsync("site/#", { qos: 1 });
  await hub.log.until(/New bridge connected .* as \S*\.up/);
  const below = await lab.client(leaf);
  await below.mqtt.subscribeAsync("site/#", { qos: 1 });
  await below.mqtt.publishAsync("site/up", "from below", { qos: 1 });
  assert.equal((await above.collected(1))[0]?.text, "from below");
  await above.mqtt.publishAsync("site/down", "from above", { qos: 1 });
  await below.collected(2);
  const other = await lab.broker({ name: "other", conf: bridge("other.crt"), files: { "other.crt": stranger } });
  await other.log.until(/A TLS error occurred|certificate verify failed/);
});

feature("mosquitto_pub, mosquitto_sub and mosquitto_rr with --cafile, and with a certificate", async (lab) => {
  const broker = await lab.broker({
    conf: `${TLS}cafile /mosquitto/config/ca.crt\nrequire_certificate true\nlog_type all\n`,
    files: { ...(await filesFor("broker")), ...pair(await (await ca()).client("tool"), "tool") },
  });
  const config = "/mosquitto/config";
  const trust = ["-h", "localhost", "-p", "8883", "--cafile", `${config}/ca.crt`];
  const own = [...trust, "--cert", `${config}/tool.crt`, "--key", `${config}/tool.key`];
  const waiting = broker.exec(["mosquitto_sub", ...own, "-i", "reader", "-t", "t", "-C", "1", "-W", "20"], {
    timeout: 30_000,
  });
  await broker.log.until(/Sending SUBACK to reader/);
  const sent = await broker.exec(["mosquitto_pub", ...own, "-t", "t", "-m", "secret", "-q", "1"], { timeout: 30_000 });
  assert.deepEqual([sent.exitCode, sent.stderr], [0, ""]);
  const got = await waiting;
  assert.deepEqual([got.exitCode, got.stdout], [0, "secret\n"]);
  const without = await broker.exec(["mosquitto_pub", ...trust, "-t", "t", "-m", "x"], { timeout: 30_000 });
  assert.notEqual(without.exitCode, 0);
});

feature("a bridge with a pre-shared key", async (lab) => {
  const hub = await lab.broker({
    name: "hub",
    conf: "listener 8883\npsk_hint hub\npsk_file /mosquitto/config/keys\nlistener 1883\nallow_anonymous true\n",
    files: { keys: "leaf:0123456789abcdef\n" },
    ready: "running",
  });
  const conf = anonymous(
    "connection up\naddress hub:8883\ntopic # out 1\nbridge_identity leaf\nbridge_psk 0123456789abcdef\n",
  );
  const leaf = await lab.broker({ name: "leaf", conf });
  await hub.log.until(/New bridge connected .* as \S*\.up/);
  const above = await lab.client(hub, {}, 1);
  await above.mqtt.subscribeAsync("site/#", { qos: 1 });
  const below = await lab.client(leaf);
  await below.mqtt.publishAsync("site/up", "with a key", { qos: 1 });
  assert.equal((await above.collected(1))[0]?.text, "with a key");
});

feature("pre-shared keys", async (lab) => {
  const broker = await lab.broker({
    conf: "listener 8883\npsk_hint hint\npsk_file /mosquitto/config/keys\nallow_anonymous true\nuse_identity_as_username true\nlog_type all\n",
    files: { keys: "sensor:abcdef0123456789\n" },
    ready: "running",
  });
  await broker.log.until(/mosquitto version .* running/);
  const publish = (key: string) =>
    broker.exec(
      [
        "mosquitto_pub",
        "-p",
        "8883",
        "--psk-identity",
        "sensor",
        "--psk",
        key,
        "-i",
        "p",
        "-t",
        "t",
        "-m",
        "1",
        "-q",
        "1",
      ],
      { timeout: 30_000 },
    );
  assert.equal((await publish("abcdef0123456789")).exitCode, 0);
  assert.match((await broker.log.until(/as p /)).text, /u'sensor'/);
  assert.notEqual((await publish("00")).exitCode, 0);
});
