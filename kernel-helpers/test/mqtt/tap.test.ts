import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { connect, createServer, type Server, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import { LabError } from "kernel-helpers/dist/core/errors";
import { openClient } from "kernel-helpers/dist/mqtt/client";
import { encodePacket } from "kernel-helpers/dist/mqtt/codec";
import { openRaw } from "kernel-helpers/dist/mqtt/raw";
import { openTap, type PacketRecord, type Tap } from "kernel-helpers/dist/mqtt/tap";
import { mosquitto, noMosquitto, type TestBroker } from "./mosquitto";

const skip = noMosquitto;
let broker: TestBroker;

before(async () => {
  if (!skip) broker = await mosquitto();
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

/** A server on a free port that hands each connection to `serve`. */
async function server(serve: (socket: Socket) => void, options = {}): Promise<{ port: number; stop(): void }> {
  const open = new Set<Socket>();
  const listening: Server = createServer(options, (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    serve(socket);
  });
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    listening.close();
    for (const socket of open) socket.destroy();
  };
  return { port: (listening.address() as { port: number }).port, stop };
}

const dial = (port: number) =>
  new Promise<Socket>((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => resolve(socket));
    socket.on("error", reject);
  });

const line = (record: PacketRecord) => `${record.direction === "to-broker" ? ">" : "<"} ${record.packet.type}`;

test("both directions are recorded, with who, when and what", { skip }, async () => {
  await withTap(broker, async (tap) => {
    const before = Date.now();
    const client = await openClient(tap, { clientId: "sensor" });
    await client.mqtt.subscribeAsync("site/#", { qos: 1 });
    await client.mqtt.publishAsync("site/temp", "21.5", { qos: 1, retain: true });
    await client.next();
    assert.match(inspect(tap), /1 connection · \d+ packets$/);
    await client.close();
    await tap.next("DISCONNECT");
    assert.deepEqual(tap.packets.map(line).sort(), [
      "< CONNACK",
      "< PUBACK",
      "< PUBLISH",
      "< SUBACK",
      "> CONNECT",
      "> DISCONNECT",
      "> PUBACK",
      "> PUBLISH",
      "> SUBSCRIBE",
    ]);
    tap.packets.forEach((record, index) => {
      assert.equal(record.number, index + 1);
      assert.equal(record.clientId, "sensor");
      assert.equal(record.connection, 1);
      assert.equal(record.protocolVersion, 5);
      assert.equal(record.bytes.length, record.length);
      assert.ok(record.at >= (tap.packets[index - 1]?.at ?? 0));
      assert.ok(record.epoch >= before - 50 && record.epoch <= Date.now() + 50);
      assert.equal(record.fields.at(-1)?.end, record.length);
      assert.ok(record.explanation.length || record.packet.type === "PUBACK" || record.packet.type === "DISCONNECT");
      // A copy keeps what is computed when it is read.
      assert.deepEqual({ ...record }.fields, record.fields);
    });
    const [publish] = tap.select({
      type: "PUBLISH",
      direction: "to-broker",
      clientId: "sensor",
      topicName: "site/temp",
    });
    assert.deepEqual([publish!.packet.payloadText, publish!.packet.qos, publish!.packet.retain], ["21.5", 1, true]);
  });
});

test("connections, their ends and the broker's choice of a client id", { skip }, async () => {
  await withTap(broker, async (tap) => {
    const nameless = await openClient(tap, { clientId: "" });
    const assigned = nameless.connack.properties.assignedClientIdentifier;
    assert.equal(tap.packets[0]!.clientId, assigned);
    await nameless.close();
    const raw = await openRaw(tap);
    await raw.send({ type: "PUBLISH", topicName: "x", payload: "" });
    await raw.closed;
    assert.equal(tap.select("PUBLISH")[0]!.packet.clause, "[MQTT-3.1.0-1]");
    const two = await openRaw(tap);
    two.reset();
    await until(() => tap.connections.length === 3 && tap.connections.every((one) => one.end !== undefined));
    const [first, second] = tap.connections;
    assert.match(first!.end!, /^the client ended it \(FIN\)$/);
    assert.match(second!.end!, /^the broker (?:ended|reset) it/);
    assert.ok(first!.toBroker > 0 && first!.toClient > 0);
    assert.equal(tap.events.filter((one) => one.kind === "opened").length, 3);
  });
});

test("next waits for what is still to come, takes each once, and says what came instead", { skip }, async () => {
  await withTap(broker, async (tap) => {
    const coming = tap.next({ type: "PUBACK" });
    const client = await openClient(tap);
    await client.mqtt.publishAsync("a", "1", { qos: 1 });
    assert.equal((await coming).packet.type, "PUBACK");
    await assert.rejects(tap.next("PUBACK", { timeout: 20 }), (error: LabError) => {
      assert.equal(error.code, "TIMEOUT");
      assert.match(error.message, /no PUBACK within 20 ms; the last packets were: .*4 PUBACK to-client/);
      return true;
    });
    assert.equal((await tap.next((record) => record.packet.topicName === "a")).number, 3);
    tap.clear();
    assert.equal(tap.packets.length, 0);
    await client.mqtt.publishAsync("a", "2", { qos: 1 });
    assert.deepEqual(
      tap.packets.map((one) => one.number),
      [5, 6],
    );
    await client.close();
  });
});

test("32 MB pass through unchanged both ways and are not kept", { skip }, async () => {
  await withTap(broker, async (tap) => {
    const client = await openClient(tap);
    await client.mqtt.subscribeAsync("big", { qos: 1 });
    const payload = randomBytes(32 << 20);
    await client.mqtt.publishAsync("big", payload, { qos: 1 });
    const message = await client.next("big", { timeout: 20_000 });
    assert.ok(Buffer.from(message.payload).equals(payload));
    const [up, down] = tap.select("PUBLISH");
    for (const record of [up!, down!]) {
      assert.equal(record.packet.payloadLength, payload.length);
      assert.equal(record.bytes.length, 65_536);
      assert.equal(record.packet.problem, undefined);
      assert.match(record.hash!, /^[0-9a-f]{64}$/);
    }
    await client.close();
  });
});

for (const scheme of ["mqtt", "ws"]) {
  test(`a payload of 100 MB passes unchanged and unbuffered (${scheme})`, async () => {
    const size = 100_000_000;
    const came = createHash("sha256");
    let bytes = 0;
    const far = await server((socket) =>
      socket.on("data", (chunk) => {
        came.update(chunk);
        bytes += chunk.length;
      }),
    );
    await withTap(`${scheme}://127.0.0.1:${far.port}`, async (tap) => {
      const socket = await dial(tap.port);
      const sent = createHash("sha256");
      let most = 0;
      const write = async (part: Uint8Array) => {
        sent.update(part);
        await new Promise((resolve) => socket.write(part, resolve));
        most = Math.max(most, process.memoryUsage().rss);
      };
      const connect = encodePacket({ type: "CONNECT", clientIdentifier: "big", protocolVersion: 4 });
      // PUBLISH, QoS 0, topic "t": its Remaining Length in four bytes.
      const left = [size + 3, (size + 3) >> 7, (size + 3) >> 14].map((part) => (part & 127) | 128);
      const head = Buffer.from([0x30, ...left, (size + 3) >> 21, 0, 1, 0x74]);
      const frame = Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
      frame.writeBigUInt64BE(BigInt(connect.length + head.length + size), 2);
      if (scheme === "ws") await write(Buffer.from("GET /mqtt HTTP/1.1\r\n\r\n"));
      if (scheme === "ws") await write(frame);
      await write(connect);
      await write(head);
      const block = randomBytes(1_000_000);
      const before = process.memoryUsage().rss;
      most = before;
      for (let n = 0; n < size / block.length; n++) await write(block);
      await until(() => tap.packets.length === 2 && bytes >= size + head.length);
      assert.equal(came.digest("hex"), sent.digest("hex"));
      const record = tap.packets[1]!;
      assert.deepEqual([record.packet.payloadLength, record.length], [size, size + head.length]);
      assert.equal(record.bytes.length, 65_536);
      const whole = createHash("sha256").update(head);
      for (let n = 0; n < size / block.length; n++) whole.update(block);
      assert.equal(record.hash, whole.digest("hex"));
      assert.ok(most - before < 48 << 20, `memory grew by ${(most - before) >> 20} MB`);
      socket.destroy();
    });
    far.stop();
  });
}

test("bytes out are bytes in, for what is no MQTT too, with half-close", async () => {
  const seen = createHash("sha256");
  let finished: (hex: string) => void = () => undefined;
  const arrived = new Promise<string>((resolve) => {
    finished = resolve;
  });
  const answer = randomBytes(3 << 20);
  const echo = await server(
    (socket) => {
      socket.on("data", (chunk) => seen.update(chunk));
      // Answers after the other side's FIN: the way back is open still.
      socket.on("end", () => {
        finished(seen.digest("hex"));
        socket.end(answer);
      });
    },
    { allowHalfOpen: true },
  );
  await withTap({ host: "127.0.0.1", port: echo.port }, async (tap) => {
    const socket = await dial(tap.port);
    const noise = randomBytes(5 << 20);
    socket.end(noise);
    assert.equal(await arrived, createHash("sha256").update(noise).digest("hex"));
    const back: Buffer[] = [];
    for await (const chunk of socket) back.push(chunk as Buffer);
    assert.ok(Buffer.concat(back).equals(answer));
    await until(() => tap.connections[0]?.end !== undefined);
    assert.equal(tap.connections[0]!.toBroker, noise.length);
    assert.equal(tap.connections[0]!.toClient, answer.length);
    for (const direction of ["to-broker", "to-client"] as const) {
      assert.equal(tap.select({ direction }).at(-1)!.packet.type, "MALFORMED");
    }
  });
  echo.stop();
});

test("a slow reader slows the sender down instead of filling memory", async () => {
  const readers: Socket[] = [];
  const slow = await server((socket) => {
    socket.pause();
    readers.push(socket);
  });
  await withTap({ host: "127.0.0.1", port: slow.port }, async (tap) => {
    const socket = await dial(tap.port);
    const chunk = Buffer.alloc(1 << 20);
    let sent = 0;
    // Until the system and the tap take no more: the tap's own buffer must not grow on.
    while (sent < 200 << 20 && (await written(socket, chunk))) sent += chunk.length;
    assert.ok(sent < 64 << 20, `the tap swallowed ${sent >> 20} MB`);
    assert.ok(tap.connections[0]!.toBroker < 64 << 20);
    readers[0]!.resume();
    assert.ok(await written(socket, Buffer.alloc(1), 5_000));
    socket.destroy();
  });
  slow.stop();
});

/** Whether the system takes these bytes and all before them in time. */
function written(socket: Socket, bytes: Buffer, ms = 300): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms);
    socket.write(bytes, () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

test("an unreachable broker resets the client, and the tap says so", async () => {
  const gone = await server(() => undefined);
  gone.stop();
  await withTap({ host: "127.0.0.1", port: gone.port }, async (tap) => {
    await assert.rejects(openClient(tap), (error: LabError) => error.code === "CONNECT_FAILED");
    await until(() => tap.events.some((one) => one.kind === "unreachable"));
    await assert.rejects(tap.next("CONNECT", { timeout: 10 }), /could not be reached: ECONNREFUSED/);
  });
  await assert.rejects(
    openTap("nonsense"),
    (error: LabError) => error instanceof LabError && error.code === "BAD_ARGUMENT",
  );
});

test("resets go through in both directions", async () => {
  const resetter = await server((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.resetAndDestroy());
  });
  await withTap({ host: "127.0.0.1", port: resetter.port }, async (tap) => {
    const socket = await dial(tap.port);
    const broken = new Promise<NodeJS.ErrnoException>((resolve) => socket.on("error", resolve));
    socket.write("x");
    assert.equal((await broken).code, "ECONNRESET");
    await until(() => tap.connections[0]?.end !== undefined);
    assert.match(tap.connections[0]!.end!, /the broker reset it/);
  });
  resetter.stop();

  let told: (code: string | undefined) => void = () => undefined;
  const heard = new Promise<string | undefined>((resolve) => {
    told = resolve;
  });
  const listener = await server((socket) => {
    socket.write("x");
    socket.on("error", (error: NodeJS.ErrnoException) => told(error.code));
    socket.on("close", () => told("no error"));
    socket.resume();
  });
  await withTap({ host: "127.0.0.1", port: listener.port }, async (tap) => {
    const socket = await dial(tap.port);
    await new Promise((resolve) => socket.once("data", resolve));
    socket.resetAndDestroy();
    assert.equal(await heard, "ECONNRESET");
  });
  listener.stop();
});

test("fifty clients at once, each with its own packets", { skip }, async () => {
  await withTap(broker, async (tap) => {
    const clients = await Promise.all(Array.from({ length: 50 }, (_, n) => openClient(tap, { clientId: `many-${n}` })));
    await Promise.all(
      clients.map(async (client, n) => {
        await client.mqtt.subscribeAsync(`own/${n}`, { qos: 1 });
        for (let count = 0; count < 10; count++)
          await client.mqtt.publishAsync(`own/${n}`, `${n}.${count}`, { qos: 1 });
        await client.collect(10);
      }),
    );
    await Promise.all(clients.map((client) => client.close()));
    for (let n = 0; n < 50; n++) {
      const got = tap.select({ type: "PUBLISH", direction: "to-client", clientId: `many-${n}` });
      assert.deepEqual(
        got.map((one) => one.packet.payloadText),
        Array.from({ length: 10 }, (_, c) => `${n}.${c}`),
      );
    }
    assert.ok(tap.packets.every((one) => one.packet.problem === undefined));
    await until(() => tap.connections.every((one) => one.end !== undefined));
  });
});

test("WebSocket frames are looked through", { skip }, async () => {
  await withTap({ url: `ws://127.0.0.1:${broker.webPort}/mqtt` }, async (tap) => {
    assert.match(tap.url, /^ws:\/\/127\.0\.0\.1:\d+\/mqtt$/);
    const client = await openClient(tap, { clientId: "web" });
    await client.mqtt.subscribeAsync("w", { qos: 0 });
    for (const size of [0, 1, 125, 126, 70_000]) {
      await client.mqtt.publishAsync("w", "x".repeat(size), { qos: 1 });
      assert.equal((await client.next("w")).text.length, size);
    }
    await client.close();
    await tap.next("DISCONNECT");
    for (const direction of ["to-broker", "to-client"] as const) {
      assert.deepEqual(
        tap.select({ type: "PUBLISH", direction }).map((one) => one.packet.payloadLength),
        [0, 1, 125, 126, 70_000],
      );
    }
    assert.deepEqual(
      tap.packets.filter((one) => one.packet.problem),
      [],
    );
  });
  await withTap({ url: `ws://127.0.0.1:${broker.port}` }, async (tap) => {
    await assert.rejects(openClient(tap, { timeout: 2_000 }), (error: LabError) => error.code === "CONNECT_FAILED");
  });
});

test("each protocol version is read as what its CONNECT says, in both directions", { skip }, async () => {
  await withTap(broker, async (tap) => {
    // At once: what one connection agreed on must not steer another's parsers.
    const versions = [3, 4, 5] as const;
    await Promise.all(
      versions.map(async (protocolVersion) => {
        const client = await openClient(tap, { clientId: `v${protocolVersion}`, protocolVersion });
        await client.mqtt.subscribeAsync(`v/${protocolVersion}`, { qos: 1 });
        const properties = protocolVersion === 5 ? { userProperties: { unit: "C" }, contentType: "text" } : undefined;
        await client.mqtt.publishAsync(`v/${protocolVersion}`, "21.5", { qos: 2, properties });
        await client.next();
        await client.close();
      }),
    );
    for (const protocolVersion of versions) {
      const own = tap.packets.filter((one) => one.clientId === `v${protocolVersion}`);
      assert.ok(own.every((one) => one.protocolVersion === protocolVersion && one.packet.problem === undefined));
      const published = own.filter((one) => one.packet.type === "PUBLISH");
      assert.deepEqual(
        published.map((one) => one.packet.payloadText),
        ["21.5", "21.5"],
      );
      const [connack] = own.filter((one) => one.packet.type === "CONNACK");
      assert.equal(connack!.packet[protocolVersion === 5 ? "reasonCode" : "returnCode"], 0);
      for (const { packet } of published) {
        const unit = packet.properties?.userProperty?.[0];
        assert.deepEqual(unit, protocolVersion === 5 ? { name: "unit", value: "C" } : undefined);
      }
    }
  });
});

test("of a large packet the head is kept, with its length and the hash of all of it", { skip }, async () => {
  await withTap(
    broker,
    async (tap) => {
      const raw = await openRaw(tap);
      await raw.send({ type: "CONNECT", protocolVersion: 4, clientIdentifier: "large", cleanSession: true });
      await raw.next("CONNACK");
      const sizes = [65_536, 65_537];
      for (const size of sizes) {
        const payload = randomBytes(size - 3 - 1 - 3);
        const bytes = encodePacket({ type: "PUBLISH", topicName: "l", payload }, { protocolVersion: 4 });
        assert.equal(bytes.length, size);
        await raw.send(bytes);
        const { bytes: kept, length, hash, fields } = await tap.next({ type: "PUBLISH", direction: "to-broker" });
        const whole = size <= 65_536;
        assert.deepEqual([kept.length, length], [65_536, size]);
        assert.ok(Buffer.from(kept).equals(Buffer.from(bytes.subarray(0, 65_536))));
        assert.equal(hash, whole ? undefined : createHash("sha256").update(bytes).digest("hex"));
        assert.equal(fields.at(-1)!.end, kept.length);
      }
      await raw.close();
    },
    { limit: 10 },
  );
});

test("three hundred connections at once keep their bytes, their order and their names apart", async () => {
  const echo = await server((socket) => socket.pipe(socket), { allowHalfOpen: true });
  await withTap({ host: "127.0.0.1", port: echo.port }, async (tap) => {
    const one = async (n: number) => {
      const socket = await dial(tap.port);
      const connect = encodePacket({ type: "CONNECT", clientIdentifier: `c-${n}`, protocolVersion: 4 });
      const noise = randomBytes(20_000 + n);
      socket.write(connect);
      socket.end(noise);
      const back: Buffer[] = [];
      for await (const chunk of socket) back.push(chunk as Buffer);
      assert.ok(Buffer.concat(back).equals(Buffer.concat([connect, noise])), `connection ${n}`);
      return connect.length + noise.length;
    };
    const lengths = await Promise.all(Array.from({ length: 300 }, (_, n) => one(n)));
    await until(() => tap.connections.every((connection) => connection.end !== undefined));
    const sum = (of: readonly number[]) => of.reduce((all, more) => all + more, 0);
    assert.equal(new Set(tap.connections.map((connection) => connection.clientId)).size, 300);
    assert.equal(sum(tap.connections.map((connection) => connection.toBroker)), sum(lengths));
    assert.equal(sum(tap.connections.map((connection) => connection.toClient)), sum(lengths));
  });
  echo.stop();
});

test("WebSocket frames are records of their own, with the packets that came in them", { skip }, async () => {
  await withTap({ url: `ws://127.0.0.1:${broker.webPort}/mqtt` }, async (tap) => {
    const client = await openClient(tap, { clientId: "framed" });
    await client.mqtt.publishAsync("f", "1", { qos: 1 });
    await client.close();
    await until(() => tap.connections[0]?.end !== undefined);
    for (const direction of ["to-broker", "to-client"] as const) {
      const frames = tap.frames.filter((one) => one.direction === direction);
      const [head, first] = frames;
      assert.equal(head!.kind, "HTTP");
      assert.match(head!.text!, /^(?:GET \/mqtt HTTP|HTTP\/1\.1 101)/);
      assert.match(head!.text!, /\r\nSec-WebSocket-Protocol: mqtt\r\n/i);
      assert.match(head!.text!, /\r\n\r\n$/);
      assert.deepEqual([first!.kind, first!.fin, first!.masked], ["binary", true, direction === "to-broker"]);
      const { toBroker, toClient } = tap.connections[0]!;
      const bytes = frames.reduce((sum, one) => sum + one.length, 0);
      assert.equal(bytes, direction === "to-broker" ? toBroker : toClient);
      const numbers = tap.packets.filter((one) => one.direction === direction).map((one) => one.number);
      assert.deepEqual([...new Set(frames.flatMap((one) => one.packets))], numbers);
    }
  });
});

test("a packet in three frames, two in one, a ping between them, byte by byte", async () => {
  const frame = (opcode: number, fin: boolean, payload: Uint8Array, masked: boolean) => {
    const mask = masked ? randomBytes(4) : Buffer.alloc(0);
    const body = masked ? Buffer.from(payload.map((byte, at) => byte ^ mask[at % 4]!)) : Buffer.from(payload);
    return Buffer.concat([Buffer.from([(fin ? 128 : 0) | opcode, (masked ? 128 : 0) | body.length]), mask, body]);
  };
  const [connect, ping, publish] = [
    encodePacket({ type: "CONNECT", clientIdentifier: "frames", protocolVersion: 4 }),
    encodePacket({ type: "PINGREQ" }),
    encodePacket({ type: "PUBLISH", topicName: "t", payload: "x" }, { protocolVersion: 4 }),
  ];
  const sent = Buffer.concat([
    Buffer.from("GET /mqtt HTTP/1.1\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"),
    frame(2, false, connect.subarray(0, 3), true),
    frame(0, false, connect.subarray(3, 9), true),
    frame(9, true, Buffer.from("!"), true),
    frame(0, true, connect.subarray(9), true),
    frame(2, true, Buffer.concat([ping, publish, connect.subarray(0, 0)]), true),
    frame(2, true, Buffer.alloc(0), true),
    frame(8, true, Buffer.from([3, 232]), true),
  ]);
  const came: Buffer[] = [];
  const far = await server((socket) => socket.on("data", (chunk) => came.push(chunk)));
  await withTap({ url: `ws://127.0.0.1:${far.port}/mqtt` }, async (tap) => {
    const socket = await dial(tap.port);
    for (const byte of sent) await written(socket, Buffer.from([byte]), 5_000);
    await until(() => tap.frames.length === 8 && Buffer.concat(came).length === sent.length);
    assert.ok(Buffer.concat(came).equals(sent));
    assert.deepEqual(
      tap.packets.map((one) => one.packet.type),
      ["CONNECT", "PINGREQ", "PUBLISH"],
    );
    assert.deepEqual(
      tap.frames.map((one) => [one.kind, one.fin, [...one.packets]]),
      [
        ["HTTP", true, []],
        ["binary", false, [1]],
        ["continuation", false, [1]],
        ["ping", true, []],
        ["continuation", true, [1]],
        ["binary", true, [2, 3]],
        ["binary", true, []],
        ["close", true, []],
      ],
    );
    tap.clear();
    assert.equal(tap.frames.length, 0);
    socket.destroy();
  });
  far.stop();
});

test("the oldest packets go when there are too many, and close ends everything", { skip }, async () => {
  const tap = await openTap(broker, { limit: 100 });
  const client = await openClient(tap);
  for (let n = 0; n < 100; n++) await client.mqtt.publishAsync("l", String(n), { qos: 1 });
  assert.ok(tap.packets.length <= 110);
  assert.equal(tap.forgotten + tap.packets.length, 202);
  assert.equal(tap.packets.at(-1)!.number, 202);
  const waiting = assert.rejects(tap.next("AUTH"), /before it was closed/);
  await tap.close();
  await tap.close();
  await client.closed;
  await waiting;
  await assert.rejects(openRaw(tap), /ECONNREFUSED/);
});

/** For what no event announces. */
async function until(ask: () => boolean): Promise<void> {
  const { until: wait } = await import("kernel-helpers/dist/core/until");
  await wait("the tap has recorded it", ask);
}
