/** Hostile bytes end their connection and never the broker. The seed is fixed, so a failure can be had again. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { openAuthority } from "kernel-helpers/dist/certs/authority";
import { generate, type Packet } from "mqtt-packet";
import { CLIENT_HELLO } from "./client-hello";
import { anonymous, notBuilt, TestLab, tlsNotBuilt } from "./lab";

const SEED = 20_240_607;
const CASES = 4_000;
const AT_ONCE = 40;
/** Each that gets as far as a ServerHello costs the broker a signature, about 10 ms. */
const TLS_CASES = 400;

/** Mulberry32: small, even, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const connectPacket = (protocolVersion: 4 | 5): Packet => ({
  cmd: "connect",
  protocolId: "MQTT",
  protocolVersion,
  clean: true,
  clientId: "fuzz",
  keepalive: 30,
  ...(protocolVersion === 5 ? { properties: { receiveMaximum: 5, userProperties: { a: "b" } } } : {}),
  will: { topic: "w", payload: Buffer.from("x"), qos: 1, retain: true },
});

const others: Packet[] = [
  {
    cmd: "publish",
    topic: "a/b",
    payload: "hello",
    qos: 2,
    dup: false,
    retain: true,
    messageId: 3,
    properties: { topicAlias: 2 },
  },
  {
    cmd: "subscribe",
    messageId: 1,
    subscriptions: [
      { topic: "a/#", qos: 2, nl: true },
      { topic: "$share/g/x", qos: 1 },
    ],
  },
  { cmd: "unsubscribe", messageId: 2, unsubscriptions: ["a/#"] },
  { cmd: "pubrel", messageId: 3 },
  { cmd: "puback", messageId: 9, reasonCode: 0 },
  { cmd: "pingreq" },
  { cmd: "disconnect", reasonCode: 4, properties: { sessionExpiryInterval: 9 } },
] as Packet[];

/** One connection's bytes: noise, or real packets with some bits turned, cut short or repeated. */
function hostile(random: () => number): Buffer {
  const below = (limit: number) => Math.floor(random() * limit);
  const noise = (length: number) => Buffer.from(Array.from({ length }, () => below(256)));
  if (random() < 0.2) return noise(1 + below(400));
  const protocolVersion = random() < 0.5 ? 4 : 5;
  const packets = [generate(connectPacket(protocolVersion))];
  for (let count = below(8); count > 0; count--) {
    packets.push(generate(others[below(others.length)]!, { protocolVersion }));
  }
  const bytes = Buffer.concat(packets);
  // Half of the time the CONNECT stays whole, so that the rest is read by a broker that knows the client.
  const from = random() < 0.5 ? packets[0]!.length : 0;
  for (let turns = below(6); turns > 0 && bytes.length > from; turns--) {
    const at = from + below(bytes.length - from);
    bytes[at] = random() < 0.5 ? below(256) : bytes[at]! ^ (1 << below(8));
  }
  const end = random() < 0.3 ? 1 + below(bytes.length) : bytes.length;
  return random() < 0.1 ? Buffer.concat([bytes.subarray(0, end), noise(below(5_000))]) : bytes.subarray(0, end);
}

/** Noise, or a ClientHello with some bits turned, cut short or followed by records of noise. */
function hostileTls(random: () => number): Buffer {
  const below = (limit: number) => Math.floor(random() * limit);
  const noise = (length: number) => Buffer.from(Array.from({ length }, () => below(256)));
  if (random() < 0.1) return noise(1 + below(400));
  const hello = Buffer.from(CLIENT_HELLO);
  for (let turns = below(5); turns > 0; turns--) hello[below(hello.length)] = below(256);
  const parts = [hello.subarray(0, random() < 0.3 ? 1 + below(hello.length) : hello.length)];
  for (let count = below(4); count > 0; count--) {
    const body = noise(below(300));
    parts.push(Buffer.from([20 + below(5), 3, 3, body.length >> 8, body.length & 255]), body);
  }
  return Buffer.concat(parts);
}

/** Sends the bytes and leaves, sometimes without waiting. */
function attack(port: number, bytes: Buffer, hasty: boolean): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(bytes, () => {
        if (hasty) socket.destroy();
        else socket.setTimeout(15, () => socket.destroy());
      });
    });
    socket.on("error", () => {}).resume();
    socket.once("close", () => resolve());
  });
}

for (const protocol of ["mqtt", "websockets"]) {
  test(`${CASES} hostile connections over ${protocol}`, { skip: notBuilt, timeout: 180_000 }, async (t) => {
    const lab = new TestLab(t);
    const broker = await lab.broker(
      `listener 1883\nprotocol ${protocol}\nlistener 1884\nallow_anonymous true\nlog_type error\n`,
    );
    const random = randomFrom(SEED);
    const witness = await lab.client(broker, { clientId: "witness" }, 1);
    await witness.mqtt.subscribeAsync("alive", { qos: 2 });
    const upgrade = Buffer.from(
      "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: bXF0dC1ub3RlYm9va3MhIQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
    );
    for (let done = 0; done < CASES; done += AT_ONCE) {
      const attacks = Array.from({ length: AT_ONCE }, () => {
        const bytes = hostile(random);
        const opening = protocol === "websockets" && random() < 0.7 ? upgrade : Buffer.alloc(0);
        return attack(broker.listeners[0]!.hostPort, Buffer.concat([opening, bytes]), random() < 0.2);
      });
      await Promise.all(attacks);
      await witness.mqtt.publishAsync("alive", String(done), { qos: 2 });
    }
    assert.equal(broker.state, "running", `${broker.lastExit?.signal}: ${broker.log.tail()}`);
    assert.equal((await witness.collected(CASES / AT_ONCE)).length, CASES / AT_ONCE);
  });
}

test(`${TLS_CASES} hostile connections over TLS`, { skip: tlsNotBuilt, timeout: 180_000 }, async (t) => {
  const lab = new TestLab(t);
  const { chain, key } = await (await openAuthority("fuzz", "memory")).server("broker");
  const broker = await lab.broker({
    conf: "listener 8883\ncertfile /mosquitto/config/server.crt\nkeyfile /mosquitto/config/server.key\nlistener 1884\nallow_anonymous true\nlog_type none\n",
    files: { "server.crt": chain, "server.key": key },
  });
  const random = randomFrom(SEED);
  const witness = await lab.client(broker, { clientId: "witness" }, 1);
  await witness.mqtt.subscribeAsync("alive", { qos: 2 });
  for (let done = 0; done < TLS_CASES; done += AT_ONCE) {
    const { hostPort } = broker.listeners[0]!;
    await Promise.all(Array.from({ length: AT_ONCE }, () => attack(hostPort, hostileTls(random), random() < 0.2)));
    await witness.mqtt.publishAsync("alive", String(done), { qos: 2 });
  }
  assert.equal(broker.state, "running", `${broker.lastExit?.signal}: ${broker.log.tail()}`);
  assert.equal((await witness.collected(TLS_CASES / AT_ONCE)).length, TLS_CASES / AT_ONCE);
  // It comes after all that the attackers asked for and did not wait for.
  await lab.client(broker, { rejectUnauthorized: false, connectTimeout: 60_000 });
});

test("a configuration of noise ends Mosquitto, never this process", { skip: notBuilt, timeout: 60_000 }, async (t) => {
  const lab = new TestLab(t);
  const random = randomFrom(SEED);
  const words = [
    "listener",
    "1883",
    "protocol",
    "websockets",
    "acl_file",
    "/mosquitto/config",
    "topic",
    "user",
    "\u0001",
    "-1",
    "{}",
  ];
  for (let round = 0; round < 40; round++) {
    const line = () => Array.from({ length: 4 }, () => words[Math.floor(random() * words.length)]).join(" ");
    const conf = anonymous(`${line()}\n${line()}\n`);
    const broker = await lab.broker({ conf, ready: "running" }).catch((error: Error) => error);
    if (!(broker instanceof Error)) await broker.remove();
  }
});
