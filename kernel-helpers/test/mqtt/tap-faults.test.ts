import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { LabError } from "kernel-helpers/dist/core/errors";
import { until } from "kernel-helpers/dist/core/until";
import { openClient } from "kernel-helpers/dist/mqtt/client";
import { encodePacket } from "kernel-helpers/dist/mqtt/codec";
import { openRaw, type RawClient } from "kernel-helpers/dist/mqtt/raw";
import { openTap, type PacketRecord, type Tap } from "kernel-helpers/dist/mqtt/tap";
import { mosquitto, noMosquitto, type TestBroker } from "./mosquitto";

const skip = noMosquitto;
let broker: TestBroker;

before(async () => {
  if (!skip) broker = await mosquitto("allow_anonymous true\nmessage_size_limit 0");
});

after(async () => {
  await broker?.stop();
});

async function withTap(
  target: Parameters<typeof openTap>[0],
  run: (tap: Tap) => Promise<void>,
  options = {},
): Promise<void> {
  const tap = await openTap(target, options);
  try {
    await run(tap);
  } finally {
    await tap.close();
  }
}

/** A server that keeps what each connection sent, with a tap in front of it, and a client's socket through the tap. */
async function withPipe(
  run: (pipe: { tap: Tap; client: Socket; far: Socket; came: Buffer[] }) => Promise<void>,
  serve: (socket: Socket) => void = () => undefined,
): Promise<void> {
  const came: Buffer[] = [];
  let far: Socket | undefined;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    far = socket;
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => came.push(chunk));
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  try {
    await withTap({ host: "127.0.0.1", port }, async (tap) => {
      const client = connect({ port: tap.port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
      client.on("error", () => undefined);
      await new Promise((resolve) => client.once("connect", resolve));
      await until("the far end is there", () => far !== undefined);
      await run({ tap, client, far: far!, came });
      client.destroy();
    });
  } finally {
    far?.destroy();
    server.close();
  }
}

const all = (chunks: Buffer[]) => Buffer.concat(chunks).toString("hex");
const CONNECT = Buffer.from(
  encodePacket({ type: "CONNECT", protocolVersion: 4, clientIdentifier: "c", cleanSession: true, keepAlive: 0 }),
);
const publish = (payload: string | Uint8Array, topicName = "t") =>
  Buffer.from(encodePacket({ type: "PUBLISH", topicName, payload }, { protocolVersion: 4 }));
const PING = Buffer.from([0xc0, 0]);

async function subscriber(tap: Tap, clientId: string, topicFilter: string): Promise<RawClient> {
  const raw = await openRaw(tap);
  await raw.send({
    type: "CONNECT",
    protocolVersion: 5,
    clientIdentifier: clientId,
    cleanStart: false,
    keepAlive: 0,
    properties: { sessionExpiryInterval: 60 },
  });
  const connack = await raw.next("CONNACK");
  if (!connack.packet.sessionPresent) {
    await raw.send({ type: "SUBSCRIBE", packetIdentifier: 1, subscriptions: [{ topicFilter, qos: 1 }] });
    await raw.next("SUBACK");
  }
  return raw;
}

const faults = (tap: Tap) => tap.packets.filter((one) => one.fault).map((one) => `${one.packet.type} ${one.fault}`);
const refused = (code: string, text: RegExp) => (error: LabError) => {
  assert.equal(error.code, code);
  assert.match(error.message, text);
  return true;
};

test("a subscriber's dropped PUBACK: the broker sends again with DUP after a reconnect", { skip }, async () => {
  await withTap(broker, async (tap) => {
    const drop = tap.drop("PUBACK", { client: "dup-reader", direction: "to-broker" });
    const reader = await subscriber(tap, "dup-reader", "dup/t");
    const writer = await openClient(broker);
    await writer.mqtt.publishAsync("dup/t", "once", { qos: 1 });
    const first = await reader.next("PUBLISH");
    assert.equal(first.packet.dup, false);
    const ack = { type: "PUBACK", packetIdentifier: first.packet.packetIdentifier } as const;
    await reader.send(ack);
    await tap.next((one) => one.fault === "dropped");
    assert.deepEqual([drop.count, drop.armed], [1, false]);
    await reader.close();
    const again = await subscriber(tap, "dup-reader", "dup/t");
    const second = await again.next("PUBLISH");
    assert.deepEqual([second.packet.dup, second.packet.payloadText], [true, "once"]);
    assert.equal(second.packet.packetIdentifier, first.packet.packetIdentifier);
    await again.send(ack);
    await again.close();
    // Only the first one was dropped: the session has nothing left.
    const third = await subscriber(tap, "dup-reader", "dup/t");
    await third.send({ type: "PINGREQ" });
    await third.next("PINGRESP");
    assert.equal(third.packets.filter((one) => one.packet.type === "PUBLISH").length, 0);
    assert.deepEqual(faults(tap), ["PUBACK dropped"]);
    const dropped = tap.packets.find((one) => one.fault)!;
    assert.deepEqual([dropped.clientId, dropped.forwardedAt], ["dup-reader", undefined]);
    await third.close();
    await writer.close();
  });
});

test("by count, direction, client and test: the same packets on each run, the others untouched", { skip }, async () => {
  for (let run = 0; run < 5; run++) {
    await withTap(broker, async (tap) => {
      const [sensor, other] = [
        await openClient(tap, { clientId: "sensor" }),
        await openClient(tap, { clientId: "other" }),
      ];
      await other.mqtt.subscribeAsync("n/#", { qos: 0 });
      const drop = tap.drop((one) => one.packet.type === "PUBLISH" && one.packet.payloadText !== "keep", {
        client: "sensor",
        count: 2,
      });
      for (const payload of ["a", "keep", "b", "c"]) await sensor.mqtt.publishAsync("n/s", payload);
      await other.collect(2);
      await other.mqtt.publishAsync("n/o", "mine");
      await other.collect(1);
      const got = tap.select({ type: "PUBLISH", direction: "to-client" }).map((one) => one.packet.payloadText);
      assert.deepEqual(got, ["keep", "c", "mine"]);
      assert.deepEqual(
        tap.packets.filter((one) => one.fault).map((one) => one.packet.payloadText),
        ["a", "b"],
      );
      assert.match(inspect(drop), /2 dropped, off/);
      await sensor.close();
      await other.close();
    });
  }
});

test("held packets keep their order, also with what came behind, and go at release", async () => {
  await withPipe(async ({ tap, client, came }) => {
    const hold = tap.hold({ type: "PUBLISH" }, { count: 1 });
    const sent = [CONNECT, publish("1"), publish("2"), PING];
    client.write(Buffer.concat(sent));
    await tap.next("PINGREQ");
    await until("CONNECT came", () => all(came) === CONNECT.toString("hex"));
    assert.deepEqual(faults(tap), ["PUBLISH held", "PUBLISH held", "PINGREQ held"]);
    assert.equal(hold.count, 1);
    assert.ok(tap.packets.every((one) => one.forwardedAt === undefined));
    hold.release();
    client.write(publish("3"));
    const whole = Buffer.concat([...sent, publish("3")]).toString("hex");
    await until("all came", () => all(came) === whole);
    assert.equal(tap.packets.filter((one) => one.forwardedAt! >= one.at).length, 3);
    // Armed for all, released step by step.
    const steps = tap.hold("PUBLISH", { count: Number.POSITIVE_INFINITY });
    client.write(publish("4"));
    await tap.next((one) => one.fault === "held" && one.packet.payloadText === "4");
    steps.release();
    client.end(publish("5"));
    await tap.next((one) => one.fault === "held" && one.packet.payloadText === "5");
    steps.off();
    steps.off();
    await until(
      "the rest came",
      () => all(came) === whole + publish("4").toString("hex") + publish("5").toString("hex"),
    );
  });
});

test("a held connection's end waits behind its packets, the other direction goes on", async () => {
  await withPipe(async ({ tap, client, far, came }) => {
    let ended = false;
    far.on("end", () => {
      ended = true;
    });
    const hold = tap.hold("PUBLISH");
    client.end(Buffer.concat([CONNECT, publish("last")]));
    await tap.next("PUBLISH");
    const answer = new Promise<Buffer>((resolve) => client.once("data", resolve));
    far.write(Buffer.from("20020000", "hex"));
    assert.equal((await answer).toString("hex"), "20020000");
    assert.equal(ended, false);
    hold.release();
    await until("the end came", () => ended);
    assert.equal(all(came), Buffer.concat([CONNECT, publish("last")]).toString("hex"));
    far.end();
    await new Promise((resolve) => client.once("end", resolve));
  });
});

test("delayed packets come later and in order", async () => {
  await withPipe(async ({ tap, client, came }) => {
    tap.delay("PUBLISH", { ms: 60, count: 2 });
    client.write(Buffer.concat([CONNECT, publish("1"), publish("2"), PING]));
    const whole = Buffer.concat([CONNECT, publish("1"), publish("2"), PING]).toString("hex");
    await until("all came", () => all(came) === whole);
    assert.deepEqual(faults(tap), ["PUBLISH delayed", "PUBLISH delayed", "PINGREQ delayed"]);
    for (const one of tap.select("PUBLISH")) assert.ok(one.forwardedAt! - one.at >= 59);
  });
});

test("cut: the packet never arrives, what came before does, both ends are reset", { skip }, async () => {
  await withTap(broker, async (tap) => {
    const cut = tap.cut({ type: "PUBLISH", direction: "to-broker", topicName: "cut/here" });
    const raw = await openRaw(tap);
    const other = await openClient(tap);
    await raw.send({ type: "CONNECT", protocolVersion: 5, clientIdentifier: "cut", cleanStart: true });
    await raw.next("CONNACK");
    await raw.send({ type: "PUBLISH", topicName: "cut/here", payload: "x" });
    assert.deepEqual(await raw.closed, { by: "broker", how: "RST" });
    assert.deepEqual([faults(tap), cut.count], [["PUBLISH cut"], 1]);
    await until("it says so", () => tap.connections[0]!.end === "the tap cut it (RST)");
    await other.mqtt.publishAsync("cut/here", "the other connection is whole", { qos: 1 });
    await until("the broker saw it", () => /Client cut /.test(broker.log()));
    // Without a filter: all that are open, at once.
    const now = tap.cut(undefined, { how: "FIN" });
    await other.closed;
    assert.deepEqual([now.count, now.armed], [1, false]);
    const later = await openClient(tap);
    await later.close();
  });
});

test("frozen: no byte and no end gets through, the broker's keep-alive runs out", { skip }, async () => {
  await withTap(broker, async (tap) => {
    const raw = await openRaw(tap);
    await raw.send({ type: "CONNECT", protocolVersion: 5, clientIdentifier: "icy", cleanStart: true, keepAlive: 1 });
    await raw.next("CONNACK");
    const freeze = tap.freeze(undefined, { client: "icy" });
    assert.equal(freeze.count, 1);
    await raw.send({ type: "PINGREQ" });
    await until("the broker gave it up", () => /icy .*(?:exceeded timeout|timed out|timeout)/i.test(broker.log()), {
      timeout: 10_000,
    });
    assert.equal(raw.packets.length, 1);
    assert.equal(tap.connections[0]!.closedAt, undefined);
    assert.equal(await Promise.race([raw.closed, Promise.resolve("open")]), "open");
    // Others are not frozen.
    const other = await openClient(tap);
    await other.mqtt.publishAsync("x", "1", { qos: 1 });
    await other.close();
    freeze.unfreeze();
    // Whether a DISCONNECT came before the end is the broker's matter: Mosquitto 2.0.11 ends it without.
    assert.equal((await raw.closed).by, "broker");
    const ping = tap.packets.find((one) => one.packet.type === "PINGREQ");
    assert.equal(ping?.fault, "frozen");
    assert.ok(tap.events.some((one) => /is no longer frozen/.test(one.text)));
  });
});

test("a freeze without a filter takes new connections, too, until it is over", async () => {
  await withPipe(async ({ tap, client, came }) => {
    const freeze = tap.freeze();
    const second = connect({ port: tap.port, host: "127.0.0.1" });
    second.on("error", () => undefined);
    await new Promise((resolve) => second.once("connect", resolve));
    await until("the tap has it", () => tap.connections.length === 2);
    assert.equal(freeze.count, 2);
    second.write(CONNECT);
    client.write(PING);
    await until("both were seen", () => tap.packets.length === 2);
    assert.deepEqual([came.length, faults(tap).length], [0, 2]);
    freeze.unfreeze();
    await until("both came", () => Buffer.concat(came).length === CONNECT.length + PING.length);
    second.destroy();
  });
});

test("of two faults that fit one packet the first armed counts, and the other meets the next", async () => {
  await withPipe(async ({ tap, client, came }) => {
    const [first, second] = [tap.corrupt("PUBLISH", { at: -1, to: 0x7a }), tap.drop("PUBLISH")];
    client.write(Buffer.concat([CONNECT, publish("a"), publish("b"), publish("c")]));
    const whole = Buffer.concat([CONNECT, publish("z"), publish("c")]).toString("hex");
    await until("they came", () => all(came) === whole);
    assert.deepEqual(faults(tap), ["PUBLISH corrupted", "PUBLISH dropped"]);
    assert.deepEqual([first.count, first.armed, second.count, second.armed], [1, false, 1, false]);
  });
});

test("frozen by a packet, with resets on either side kept back until the freeze is over", async () => {
  for (const side of ["client", "far"] as const) {
    await withPipe(async ({ tap, client, far, came }) => {
      const freeze = tap.freeze("PUBLISH");
      client.write(Buffer.concat([CONNECT, publish("x"), PING]));
      await tap.next("PINGREQ");
      await until("CONNECT came", () => all(came) === CONNECT.toString("hex"));
      assert.deepEqual(faults(tap), ["PUBLISH frozen", "PINGREQ frozen"]);
      const [breaks, hears] = side === "client" ? [client, far] : [far, client];
      let heard = false;
      hears.on("close", () => {
        heard = true;
      });
      breaks.resetAndDestroy();
      // A round trip through the same process: the reset has been seen by then.
      const probe = connect({ port: tap.port, host: "127.0.0.1" });
      await new Promise((resolve) => probe.once("connect", resolve));
      await until("it was noticed", () => tap.connections.length === 2);
      probe.destroy();
      assert.equal(heard, false);
      freeze.unfreeze();
      await until("the other heard", () => heard);
    });
  }
});

test("one byte changes, and no other", async () => {
  await withPipe(async ({ tap, client, came }) => {
    tap.corrupt("PUBLISH");
    tap.corrupt("PUBLISH", { at: 0, to: 0x3b });
    tap.corrupt("PUBLISH", { at: -3, count: 1 });
    client.write(Buffer.concat([CONNECT, publish("abc"), publish("abc"), publish("abc"), publish("abc")]));
    const plain = publish("abc");
    const [last, first, third] = [Buffer.from(plain), Buffer.from(plain), Buffer.from(plain)];
    last[last.length - 1]! ^= 0xff;
    first[0] = 0x3b;
    third[third.length - 3]! ^= 0xff;
    const whole = Buffer.concat([CONNECT, last, first, third, plain]).toString("hex");
    await until("all came", () => all(came) === whole);
    const [one, two, three, four] = tap.select("PUBLISH");
    assert.deepEqual(one!.corruption, { at: plain.length - 1, was: 0x63, is: 0x9c });
    assert.deepEqual(two!.corruption, { at: 0, was: 0x30, is: 0x3b });
    assert.equal(three!.fault, "corrupted");
    assert.equal(four!.fault, undefined);
    assert.equal(one!.packet.payloadText, "abc");
  });
});

test("split comes in pieces, coalesced in one write", async () => {
  await withPipe(async ({ tap, client, came }) => {
    tap.split("CONNECT", { size: 5, gap: 25 });
    client.write(CONNECT);
    await until("all of it came", () => all(came) === CONNECT.toString("hex"));
    assert.ok(came.length > 1, `${came.length} pieces`);
    assert.deepEqual(faults(tap), ["CONNECT split"]);
    came.length = 0;
    const both = tap.coalesce("PUBLISH", { count: 2 });
    client.write(publish("1"));
    await tap.next("PUBLISH");
    client.write(PING);
    await tap.next("PINGREQ");
    assert.equal(came.length, 0);
    client.write(publish("2"));
    await until("they came", () => came.length > 0);
    assert.equal(came[0]!.toString("hex"), Buffer.concat([publish("1"), PING, publish("2")]).toString("hex"));
    assert.equal(both.armed, false);
    // One alone goes when the fault ends.
    const alone = tap.coalesce("PUBLISH", { count: 9 });
    client.write(publish("3"));
    await tap.next((one) => one.packet.payloadText === "3");
    alone.off();
    await until("it came", () => all(came).endsWith(publish("3").toString("hex")));
  });
});

test("arming and ending in mid-stream, at any byte, loses nothing and moves nothing", async () => {
  let seed = 7;
  const random = (most: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return seed % most;
  };
  await withPipe(async ({ tap, client, came }) => {
    const parts = [CONNECT];
    for (let n = 0; n < 400; n++)
      parts.push(publish(randomBytes(random(8) === 0 ? random(200_000) : random(300))), PING);
    const whole = Buffer.concat(parts);
    let fault: { off(): void } | undefined;
    for (let at = 0; at < whole.length; ) {
      const next = Math.min(whole.length, at + 1 + random(30_000));
      await new Promise((resolve) => client.write(whole.subarray(at, next), resolve));
      at = next;
      if (random(3) === 0) await new Promise((resolve) => setImmediate(resolve));
      fault?.off();
      const kind = random(6);
      fault = [
        () => undefined,
        () => tap.drop("SUBSCRIBE"),
        () => tap.hold("PUBLISH"),
        () => tap.delay("PINGREQ", { ms: random(4), count: 3 }),
        () => tap.split("PUBLISH", { size: 1 + random(5_000), gap: 0 }),
        () => tap.freeze(),
      ][kind]!();
    }
    fault?.off();
    const length = () => came.reduce((sum, one) => sum + one.length, 0);
    await until("all came", () => length() >= whole.length, { timeout: 20_000 });
    assert.ok(Buffer.concat(came).equals(whole));
    await until("all are decoded", () => tap.packets.length === 801);
    assert.ok(tap.packets.every((one) => one.packet.problem === undefined));
    assert.equal(tap.connections[0]!.toBroker, whole.length);
  });
});

test("no MQTT goes through with faults armed too, and half a packet before its end", async () => {
  await withPipe(async ({ tap, client, came }) => {
    tap.drop("PUBACK");
    client.write("GET / HTTP/1.1\r\n");
    await until("it came", () => Buffer.concat(came).toString() === "GET / HTTP/1.1\r\n");
    client.write(randomBytes(100));
    await until("the rest came", () => Buffer.concat(came).length === 116);
  });
  await withPipe(async ({ tap, client, came }) => {
    tap.drop("PUBACK");
    client.end(Buffer.concat([CONNECT, publish("abc").subarray(0, 4)]));
    await until("half came", () => all(came) === all([CONNECT, publish("abc").subarray(0, 4)]));
    assert.match(tap.packets.at(-1)!.packet.problem!, /ended after/);
  });
});

test("100 MB stream through an armed tap, one can be dropped, and none is kept", { skip }, async () => {
  const size = 100 << 20;
  const hash = createHash("sha256");
  let came = 0;
  await withPipe(
    async ({ tap, client }) => {
      tap.drop((one) => one.packet.topicName === "gone" && one.packet.payloadLength === size);
      tap.corrupt({ type: "PUBLISH", topicName: "big" }, { at: -1, to: 7 });
      const expected = createHash("sha256");
      const head = publish(new Uint8Array(size).subarray(0, 0), "big");
      assert.equal(head.length, 7);
      const block = randomBytes(1 << 20);
      setFlagsFromString("--expose-gc");
      const collect = runInNewContext("gc") as () => void;
      collect();
      const before = process.memoryUsage().arrayBuffers;
      let most = 0;
      const write = async (bytes: Buffer) => {
        if (!client.write(bytes)) await new Promise((resolve) => client.once("drain", resolve));
      };
      await write(CONNECT);
      expected.update(CONNECT);
      for (const topic of ["gone", "big"]) {
        const start = Buffer.concat([Buffer.from([0x30]), varint(size + 2 + topic.length), str(topic)]);
        await write(start);
        if (topic === "big") expected.update(start);
        for (let n = 0; n < 100; n++) {
          const bytes = Buffer.from(block);
          await write(bytes);
          if (n % 33 === 32) {
            // What is only waiting to be collected is not kept.
            collect();
            most = Math.max(most, process.memoryUsage().arrayBuffers - before);
          }
          if (topic === "gone") continue;
          if (n === 99) bytes[bytes.length - 1] = 7;
          expected.update(n === 99 ? Buffer.concat([block.subarray(0, -1), Buffer.from([7])]) : block);
        }
      }
      await write(PING);
      expected.update(PING);
      const length = CONNECT.length + 1 + 4 + 2 + 3 + size + 2;
      await until("all came", () => came >= length, { timeout: 30_000 });
      assert.equal(came, length);
      assert.equal(hash.digest("hex"), expected.digest("hex"));
      assert.deepEqual(faults(tap), ["PUBLISH dropped", "PUBLISH corrupted"]);
      assert.ok(most < 64 << 20, `${most >> 20} MB`);
      assert.ok(tap.select("PUBLISH").every((one) => one.bytes.length === 65_536 && one.hash));
    },
    (socket) => {
      socket.removeAllListeners("data");
      socket.on("data", (chunk) => {
        came += chunk.length;
        hash.update(chunk);
      });
    },
  );
});

const str = (text: string) => Buffer.concat([Buffer.from([0, text.length]), Buffer.from(text)]);
function varint(value: number): Buffer {
  const out: number[] = [];
  do {
    out.push((value % 128) | (value >= 128 ? 128 : 0));
    value = Math.floor(value / 128);
  } while (value);
  return Buffer.from(out);
}

test("what is held slows its sender down instead of filling memory", async () => {
  await withPipe(async ({ tap, client, came }) => {
    const hold = tap.hold("PUBLISH");
    client.write(CONNECT);
    const one = publish(Buffer.alloc(50_000));
    let sent = 0;
    while (sent < 2_000 && client.writableLength < 8 << 20) {
      client.write(one);
      sent++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(sent < 2_000, "the tap took all of it");
    hold.release();
    const whole = CONNECT.length + sent * one.length;
    await until("all came", () => came.reduce((sum, part) => sum + part.length, 0) === whole, { timeout: 10_000 });
  });
});

test("two taps in a row: the broker's side sees nothing of what the nearer one drops", { skip }, async () => {
  await withTap(broker, async (judge) => {
    await withTap(judge, async (tap) => {
      const reader = await openClient(tap, { clientId: "two" });
      await reader.mqtt.subscribeAsync("two", { qos: 1 });
      tap.drop({ type: "PUBLISH", direction: "to-broker" });
      await reader.mqtt.publishAsync("two", "lost");
      await reader.mqtt.publishAsync("two", "kept");
      assert.equal((await reader.next("two")).text, "kept");
      assert.deepEqual(faults(tap), ["PUBLISH dropped"]);
      const seen = judge.select({ type: "PUBLISH", direction: "to-broker" });
      assert.deepEqual(
        seen.map((one) => one.packet.payloadText),
        ["kept"],
      );
      assert.deepEqual(faults(judge), []);
      await reader.close();
    });
  });
});

test("what can't be is refused, and a filter that throws ends its fault and nothing else", { skip }, async () => {
  await withTap(broker, async (tap) => {
    assert.throws(() => tap.drop("PUBAK" as "PUBACK"), refused("BAD_ARGUMENT", /"PUBAK" is no packet type/));
    assert.throws(() => tap.drop("PUBACK", { count: 0 }), refused("BAD_ARGUMENT", /count is 0/));
    assert.throws(() => tap.delay("PUBACK", {} as { ms: number }), refused("BAD_ARGUMENT", /time/));
    assert.throws(() => tap.corrupt("PUBACK", { to: 256 }), refused("BAD_ARGUMENT", /at or to/));
    assert.throws(() => tap.coalesce("PUBACK", { count: 1 }), refused("BAD_ARGUMENT", /put together/));
    const drop = tap.drop(() => {
      throw new Error("a slip");
    });
    const client = await openClient(tap);
    await client.mqtt.publishAsync("x", "1", { qos: 1 });
    await client.close();
    assert.deepEqual([drop.armed, drop.count, String(drop.error)], [false, 0, "Error: a slip"]);
    assert.ok(tap.events.some((one) => one.kind === "fault" && /a slip/.test(one.text)));
    // A filter may look at the tap, and end its own fault.
    const nosy: { off(): void } = tap.drop((one: PacketRecord) => {
      if (tap.packets.length && one.packet.type === "PUBLISH") nosy.off();
      return false;
    });
    const second = await openClient(tap);
    await second.mqtt.publishAsync("x", "1", { qos: 1 });
    await second.close();
  });
});

test("within TLS only whole connections are cut and frozen", async () => {
  await withTap("wss://127.0.0.1:1", async (tap) => {
    assert.throws(() => tap.drop("PUBACK"), refused("ENGINE_CANNOT", /can't tell packets apart/));
    assert.throws(() => tap.cut("PUBACK"), refused("ENGINE_CANNOT", /for the two ends only/));
    tap.freeze().unfreeze();
    tap.cut();
  });
});
