import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { until } from "kernel-helpers/dist/core/until";
import { encodePacket } from "kernel-helpers/dist/mqtt/codec";
import { openTap, type Tap } from "kernel-helpers/dist/mqtt/tap";
import { mosquitto, noMosquitto, type TestBroker } from "./mosquitto";
import { websocketFaults } from "./websocket-faults";

const skip = noMosquitto;
let broker: TestBroker;

before(async () => {
  if (!skip) broker = await mosquitto();
});

after(async () => {
  await broker?.stop();
});

const HEAD = Buffer.from("GET /mqtt HTTP/1.1\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n");
const CONNECT = Buffer.from(
  encodePacket({ type: "CONNECT", protocolVersion: 4, clientIdentifier: "c", cleanSession: true, keepAlive: 0 }),
);
const PING = Buffer.from([0xc0, 0]);
const publish = (payload: string | Uint8Array, topicName = "t") =>
  Buffer.from(encodePacket({ type: "PUBLISH", topicName, payload }, { protocolVersion: 4 }));

const BINARY = 2;
const MORE = 0;
const [CLOSE, PINGS] = [8, 9];

/** A frame as a client sends it, masked; with `mask` false as a server does. */
function frame(
  opcode: number,
  payload: Uint8Array | string,
  fin = true,
  mask: Buffer | false = randomBytes(4),
): Buffer {
  const body = Buffer.from(payload);
  const length = body.length;
  const size = length < 126 ? [length] : length < 65_536 ? [126, length >> 8, length & 255] : undefined;
  const long = Buffer.alloc(9, 127);
  if (!size) long.writeBigUInt64BE(BigInt(length), 1);
  const header = Buffer.concat([Buffer.from([(fin ? 128 : 0) | opcode]), size ? Buffer.from(size) : long]);
  if (mask) header[1]! |= 128;
  const masked = mask ? body.map((byte, at) => byte ^ mask[at % 4]!) : body;
  return Buffer.concat([header, mask || Buffer.alloc(0), masked]);
}

interface Read {
  readonly opcode: number;
  readonly fin: boolean;
  readonly payload: Buffer;
}

/** Reads as strictly as RFC 6455 asks: messages begin and end in order, control frames are whole, all are masked. */
function readFrames(wire: Buffer, masked = true): Read[] {
  let at = wire.indexOf("\r\n\r\n") + 4;
  assert.equal(wire.subarray(0, at).toString(), HEAD.toString());
  const out: Read[] = [];
  let open = false;
  while (at < wire.length) {
    const [first, second] = [wire[at]!, wire[at + 1]!];
    const [fin, opcode] = [first > 127, first & 15];
    assert.equal(first & 0x70, 0, "reserved bits");
    assert.equal(second > 127, masked, "masked");
    const short = second & 127;
    at += 2;
    let length = short;
    if (short === 126) length = wire.readUInt16BE(at);
    if (short === 127) length = Number(wire.readBigUInt64BE(at));
    at += short === 126 ? 2 : short === 127 ? 8 : 0;
    const mask = masked ? wire.subarray(at, at + 4) : Buffer.alloc(4);
    at += masked ? 4 : 0;
    const payload = Buffer.from(wire.subarray(at, at + length).map((byte, index) => byte ^ mask[index % 4]!));
    assert.equal(payload.length, length, "a whole frame");
    at += length;
    if (opcode >= 8) assert.ok(fin && length < 126, "a control frame in one piece");
    else {
      assert.equal(opcode === 0, open, open ? "a continuation" : "a message begins");
      open = !fin;
    }
    out.push({ opcode, fin, payload });
  }
  assert.equal(open, false, "the last message ends");
  return out;
}

const data = (frames: Read[]) => Buffer.concat(frames.filter((one) => one.opcode < 8).map((one) => one.payload));
/** Whether exactly these packets have come, in frames that are whole. */
function arrived(wire: Buffer, packets: Buffer): boolean {
  try {
    return data(readFrames(wire)).equals(packets);
  } catch {
    return false;
  }
}
const shape = (frames: Read[]) => frames.map((one) => `${one.opcode}${one.fin ? "." : ""} ${one.payload.length}`);

/** A server that keeps what came, a tap in front of it, and a socket through the tap. */
async function withPipe(
  run: (pipe: { tap: Tap; client: Socket; far: Socket; came: () => Buffer; writes: Buffer[] }) => Promise<void>,
): Promise<void> {
  const writes: Buffer[] = [];
  let far: Socket | undefined;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    far = socket;
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => writes.push(chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const tap = await openTap(`ws://127.0.0.1:${port}/mqtt`);
  const client = connect({ port: tap.port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  try {
    client.on("error", () => undefined);
    await new Promise((resolve) => client.once("connect", resolve));
    await until("the far end is there", () => far !== undefined);
    await run({ tap, client, far: far!, came: () => Buffer.concat(writes), writes });
  } finally {
    client.destroy();
    await tap.close();
    far?.destroy();
    server.close();
  }
}

const faults = (tap: Tap) => tap.packets.filter((one) => one.fault).map((one) => `${one.packet.type} ${one.fault}`);

test("faults meet MQTT.js behind a WebSocket listener as behind a plain one", { skip }, async () => {
  await websocketFaults(`ws://127.0.0.1:${broker.webPort}/mqtt`);
});

test("a dropped packet is cut out of its frame, its neighbours and all other frames stay", async () => {
  await withPipe(async ({ tap, client, came }) => {
    const drop = tap.drop({ type: "PUBLISH", topicName: "t" });
    const [connect, ping] = [frame(BINARY, CONNECT), frame(PINGS, "?")];
    const three = frame(BINARY, Buffer.concat([PING, publish("gone"), publish("stays", "other"), PING]));
    const last = frame(BINARY, publish("stays"));
    const close = frame(CLOSE, Buffer.from([3, 232]));
    client.write(Buffer.concat([HEAD, connect, ping, three, last, close]));
    const before = Buffer.concat([HEAD, connect, ping]);
    await until("the end came", () => came().subarray(-close.length).equals(close));
    const wire = came();
    assert.ok(wire.subarray(0, before.length).equals(before), "what came before is as it was");
    assert.ok(wire.subarray(-last.length - close.length, -close.length).equals(last), "what comes behind, too");
    const frames = readFrames(wire);
    assert.deepEqual(
      data(frames).toString("hex"),
      Buffer.concat([CONNECT, PING, publish("stays", "other"), PING, publish("stays")]).toString("hex"),
    );
    const rest = publish("stays", "other").length + 2;
    assert.deepEqual(shape(frames).slice(2, 4), ["2. 2", `2. ${rest}`]);
    assert.deepEqual([drop.count, faults(tap)], [1, ["PUBLISH dropped"]]);
    assert.deepEqual(
      tap.frames.map((one) => [one.kind, [...one.packets]]),
      [
        ["HTTP", []],
        ["binary", [1]],
        ["ping", []],
        ["binary", [2, 3, 4, 5]],
        ["binary", [6]],
        ["close", []],
      ],
    );
  });
});

test("one byte changes under its mask, in the frame that has it", async () => {
  await withPipe(async ({ tap, client, came }) => {
    tap.corrupt("PUBLISH", { at: -2, to: 0x21 });
    const packet = publish("abc");
    const key = Buffer.from([1, 2, 4, 8]);
    const parts = [packet.subarray(0, 3), packet.subarray(3, 4), packet.subarray(4)].map((part) =>
      frame(BINARY, part, true, key),
    );
    const sent = Buffer.concat([HEAD, frame(BINARY, CONNECT, true, key), ...parts, frame(BINARY, PING, true, key)]);
    client.write(sent);
    await until("all came", () => came().length === sent.length);
    const changed = [...came().keys()].filter((at) => came()[at] !== sent[at]);
    assert.equal(changed.length, 1, "one byte of the wire");
    const out = publish("abc");
    out[out.length - 2] = 0x21;
    assert.equal(data(readFrames(came())).toString("hex"), Buffer.concat([CONNECT, out, PING]).toString("hex"));
    assert.deepEqual(tap.select("PUBLISH")[0]!.corruption, { at: packet.length - 2, was: 0x62, is: 0x21 });
  });
});

test("held: what came before in the same frame leaves, a ping behind it waits, and all keep their order", async () => {
  await withPipe(async ({ tap, client, came }) => {
    const hold = tap.hold("PUBLISH");
    client.write(Buffer.concat([HEAD, frame(BINARY, Buffer.concat([CONNECT, publish("1"), PING])), frame(PINGS, "?")]));
    client.write(frame(BINARY, publish("2")));
    await tap.next((one) => one.packet.payloadText === "2");
    await until("CONNECT came", () => arrived(came(), CONNECT));
    assert.deepEqual(faults(tap), ["PUBLISH held", "PINGREQ held", "PUBLISH held"]);
    assert.ok(tap.packets.every((one) => one.forwardedAt === undefined));
    hold.release();
    const whole = Buffer.concat([CONNECT, publish("1"), PING, publish("2")]);
    await until("all came", () => arrived(came(), whole));
    assert.deepEqual(
      readFrames(came()).map((one) => one.opcode),
      [BINARY, BINARY, BINARY, PINGS, BINARY],
    );
    assert.ok(tap.packets.slice(1).every((one) => one.forwardedAt! >= one.at));
  });
});

test("a message in fragments stays one, loses its middle, its beginning or its end, and is still in order", async () => {
  const [one, two, three] = [publish("one"), publish("two"), publish("three")];
  for (const gone of ["one", "two", "three", "none"]) {
    await withPipe(async ({ tap, client, came }) => {
      tap.drop((record) => record.packet.payloadText === gone);
      client.write(
        Buffer.concat([
          HEAD,
          frame(BINARY, CONNECT),
          frame(BINARY, one, false),
          frame(PINGS, "!"),
          frame(MORE, two.subarray(0, 4), false),
          frame(MORE, "", false),
          frame(MORE, two.subarray(4), false),
          frame(MORE, three, true),
          frame(BINARY, PING),
        ]),
      );
      const left = [one, two, three].filter((_, at) => ["one", "two", "three"][at] !== gone);
      const whole = Buffer.concat([CONNECT, ...left, PING]);
      await until(`all but ${gone} came`, () => arrived(came(), whole));
      const frames = readFrames(came());
      assert.equal(frames.filter((read) => read.opcode === PINGS).length, 1);
      assert.equal(frames.filter((read) => read.opcode === BINARY && read.fin).length, 2, "one message between two");
    });
  }
});

test("split leaves in frames of so many bytes, coalesced in one write", async () => {
  await withPipe(async ({ tap, client, came, writes }) => {
    tap.split("CONNECT", { size: 5, gap: 20 });
    client.write(Buffer.concat([HEAD, frame(BINARY, CONNECT)]));
    await until("all of it came", () => arrived(came(), CONNECT));
    const sizes = readFrames(came()).map((one) => one.payload.length);
    assert.deepEqual(sizes, [5, 5, CONNECT.length - 10]);
    assert.ok(writes.length >= 3, `${writes.length} writes`);
    writes.length = 0;
    tap.coalesce("PUBLISH");
    const parts = [frame(BINARY, publish("1")), frame(PINGS, "?"), frame(BINARY, PING), frame(BINARY, publish("2"))];
    for (const part of parts) client.write(part);
    await until("they came", () => writes.length > 0);
    assert.ok(writes[0]!.equals(Buffer.concat(parts)));
  });
});

test("an armed fault that meets nothing changes no byte, however the wire is cut", async () => {
  const random = seeded(3);
  await withPipe(async ({ tap, client, came }) => {
    tap.drop("SUBSCRIBE");
    const { wire, packets } = stream(random, 300);
    await write(client, wire, random);
    await until("all came", () => came().length >= wire.length, { timeout: 20_000 });
    assert.ok(came().equals(wire));
    await until("all are decoded", () => tap.packets.length === packets.length);
  });
});

test("armed and disarmed in mid-stream, at any byte: no packet is lost or moved, no ping, and messages stay whole", async () => {
  for (let run = 0; run < 6; run++) {
    const random = seeded(run);
    await withPipe(async ({ tap, client, came }) => {
      const { wire, packets, pings } = stream(random, 250);
      let fault: { off(): void } | undefined;
      await write(client, wire, random, () => {
        fault?.off();
        fault = [
          () => undefined,
          () => tap.drop("SUBSCRIBE"),
          () => tap.hold("PUBLISH"),
          () => tap.delay("PINGREQ", { ms: random(4), count: 3 }),
          () => tap.split("PUBLISH", { size: 1 + random(5_000), gap: 0 }),
          () => tap.coalesce("PUBLISH"),
          () => tap.freeze(),
        ][random(7)]!();
      });
      fault?.off();
      const whole = Buffer.concat(packets);
      await until("all came", () => came().includes(wire.subarray(-6)), { timeout: 20_000 });
      const frames = readFrames(came());
      assert.ok(data(frames).equals(whole), `run ${run}`);
      assert.equal(frames.filter((one) => one.opcode === PINGS).length, pings);
      await until("all are decoded", () => tap.packets.length === packets.length);
      assert.ok(tap.packets.every((one) => one.packet.problem === undefined));
    });
  }
});

test("dropped at random, with the framing at random: exactly the others arrive", async () => {
  for (let run = 0; run < 6; run++) {
    const random = seeded(100 + run);
    await withPipe(async ({ tap, client, came }) => {
      const { wire, packets, pings } = stream(random, 200);
      const gone = new Set<number>();
      tap.drop(
        (record) => {
          if (record.packet.type !== "PUBLISH" || record.number % 3) return false;
          gone.add(record.number);
          return true;
        },
        { count: Number.POSITIVE_INFINITY },
      );
      await write(client, wire, random);
      await until("all came", () => came().includes(wire.subarray(-6)), { timeout: 20_000 });
      await until("all are decoded", () => tap.packets.length === packets.length);
      const frames = readFrames(came());
      assert.ok(data(frames).equals(Buffer.concat(packets.filter((_, at) => !gone.has(at + 1)))), `run ${run}`);
      assert.ok(gone.size > 20);
      assert.equal(frames.filter((one) => one.opcode === PINGS).length, pings);
      assert.equal(tap.packets.filter((one) => one.fault === "dropped").length, gone.size);
    });
  }
});

test("a large packet streams through, its end is corrupted, and the small one behind it in the frame dropped", async () => {
  const size = 5 << 20;
  await withPipe(async ({ tap, client, came }) => {
    tap.corrupt({ type: "PUBLISH", topicName: "big" }, { at: -1, to: 7 });
    tap.drop({ type: "PUBLISH", topicName: "small" });
    const big = publish(randomBytes(size), "big");
    const wire = frame(BINARY, Buffer.concat([PING, big, publish("x", "small"), PING]));
    client.write(Buffer.concat([HEAD, frame(BINARY, CONNECT), wire, frame(BINARY, PING)]));
    big[big.length - 1] = 7;
    const whole = Buffer.concat([CONNECT, PING, big, PING, PING]);
    await until("as much came", () => came().length > whole.length, { timeout: 20_000 });
    await until("all are decoded", () => tap.packets.length === 6);
    const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
    await until("the end came", () => came().subarray(-8)[0] === 130);
    assert.equal(hash(data(readFrames(came()))), hash(whole));
    assert.deepEqual(faults(tap), ["PUBLISH corrupted", "PUBLISH dropped"]);
  });
});

test("of a frame that never ends what is known leaves, and goes on doing so", async () => {
  await withPipe(async ({ tap, client, came }) => {
    tap.drop("SUBSCRIBE");
    const small = publish(randomBytes(1_000));
    const many = Buffer.concat(Array.from({ length: 3_000 }, () => small));
    const wire = Buffer.concat([HEAD, frame(BINARY, Buffer.concat([CONNECT, many]))]);
    const half = wire.length >> 1;
    client.write(wire.subarray(0, half));
    await until("some of it came", () => came().length > 200_000);
    assert.ok(came().length < half);
    client.write(wire.subarray(half));
    await until("all came", () => arrived(came(), Buffer.concat([CONNECT, many])), { timeout: 20_000 });
  });
});

test("cut in the middle of a frame: what came before arrives, nothing else does", async () => {
  await withPipe(async ({ tap, client, far, came }) => {
    tap.cut("PUBLISH", { how: "FIN" });
    const ended = new Promise((resolve) => far.once("end", resolve));
    client.write(Buffer.concat([HEAD, frame(BINARY, Buffer.concat([CONNECT, PING, publish("x"), PING]))]));
    await ended;
    assert.ok(data(readFrames(came())).equals(Buffer.concat([CONNECT, PING])));
  });
});

test("what speaks no WebSocket passes with faults armed, and a server's frames are not masked", async () => {
  await withPipe(async ({ tap, client, far, came }) => {
    tap.drop("PUBLISH", { direction: "to-client" });
    const request = Buffer.concat([HEAD, frame(BINARY, CONNECT)]);
    client.write(request);
    await until("the request came", () => came().equals(request));
    const answer = Buffer.from("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    const connack = Buffer.from("20020000", "hex");
    const got: Buffer[] = [];
    client.on("data", (chunk) => got.push(chunk));
    far.write(Buffer.concat([answer, frame(BINARY, Buffer.concat([connack, publish("x"), PING]), true, false)]));
    const left = Buffer.concat([answer, frame(BINARY, connack, true, false), frame(BINARY, PING, true, false)]);
    await until("the rest came", () => Buffer.concat(got).equals(left));
  });
  await withPipe(async ({ tap, client, came }) => {
    tap.drop("PUBLISH");
    const wire = Buffer.concat([CONNECT, publish("not in a frame"), randomBytes(200)]);
    client.end(wire);
    await until("all came", () => came().equals(wire));
  });
});

type Random = (most: number) => number;

function seeded(seed: number): Random {
  let state = seed * 7919 + 17;
  return (most) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % most;
  };
}

/** Packets in frames that know nothing of them: several in one, one in several, fragments, pings between. */
function stream(random: Random, count: number): { wire: Buffer; packets: Buffer[]; pings: number } {
  const packets = [CONNECT];
  for (let n = 0; n < count; n++) {
    packets.push(publish(randomBytes(random(12) === 0 ? random(200_000) : random(200))), PING);
  }
  const all = Buffer.concat(packets);
  const parts: Buffer[] = [HEAD];
  let open = false;
  let pings = 0;
  for (let at = 0; at < all.length; ) {
    const next = Math.min(all.length, at + random(random(5) === 0 ? 150_000 : 90));
    const fin = next === all.length || random(4) > 0;
    parts.push(frame(open ? MORE : BINARY, all.subarray(at, next), fin));
    open = !fin;
    at = next;
    if (random(9) !== 0) continue;
    parts.push(frame(PINGS, randomBytes(random(20))));
    pings++;
  }
  // An end of its own, which the other side can look for: its key is nobody else's.
  parts.push(frame(BINARY, PING, true, randomBytes(4)));
  return { wire: Buffer.concat(parts), packets: [...packets, PING], pings };
}

/** Writes in pieces of random size, with pauses in which the other side reads. */
async function write(socket: Socket, wire: Buffer, random: Random, between: () => void = () => undefined) {
  for (let at = 0; at < wire.length; ) {
    const next = Math.min(wire.length, at + 1 + random(random(2) ? 40 : 30_000));
    await new Promise((resolve) => socket.write(wire.subarray(at, next), resolve));
    at = next;
    if (random(3) === 0) await new Promise((resolve) => setImmediate(resolve));
    if (random(4) === 0) between();
  }
}
