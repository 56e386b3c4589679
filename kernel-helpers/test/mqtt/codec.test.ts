import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import {
  type DecodedPacket,
  decodePackets,
  encodePacket,
  type Packet,
  PacketDecoder,
  type ProtocolVersion,
} from "kernel-helpers/dist/mqtt/codec";
import { Framed } from "kernel-helpers/dist/mqtt/framed";
import { generate, parser } from "mqtt-packet";
import { each, numbers } from "./samples";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const plain = (value: unknown) =>
  JSON.parse(JSON.stringify(value, (_, one) => (one instanceof Uint8Array ? hex(one) : one)));

function assertTiled(decoded: Pick<DecodedPacket, "fields" | "bytes">, what: string): void {
  let next = 0;
  for (const field of decoded.fields) {
    assert.equal(field.start, next, `${what}: a gap or an overlap before ${field.name}`);
    assert.ok(field.end > field.start, `${what}: ${field.name} is empty`);
    assert.ok(field.name, what);
    next = field.end;
  }
  assert.equal(next, decoded.bytes.length, `${what}: the fields do not reach the end`);
}

/** One packet through the other library's parser. */
function parsed(
  bytes: Uint8Array,
  protocolVersion: ProtocolVersion,
): { packet?: Record<string, unknown>; error?: Error } {
  const seen: { packet?: Record<string, unknown>; error?: Error } = {};
  const other = parser({ protocolVersion });
  other.on("packet", (packet) => {
    seen.packet = packet as unknown as Record<string, unknown>;
  });
  other.on("error", (error) => {
    seen.error = error as Error;
  });
  other.parse(Buffer.from(bytes));
  return seen;
}

test("every packet of every version survives encoding and decoding, and its fields tile its bytes", () => {
  const seen = new Set<string>();
  each((protocolVersion, packet) => {
    const bytes = encodePacket(packet, { protocolVersion });
    const [decoded, ...rest] = decodePackets(bytes, { protocolVersion });
    const what = `${packet.type} of ${protocolVersion}`;
    assert.equal(rest.length, 0, what);
    assert.equal(decoded!.packet.problem, undefined, what);
    const { payloadText, payloadLength, protocolName, ...fields } = decoded!.packet;
    for (const [key, value] of Object.entries(plain(packet)))
      assert.deepEqual(plain(fields)[key], value, `${what}: ${key}`);
    assert.deepEqual(hex(encodePacket(decoded!.packet, { protocolVersion })), hex(bytes), what);
    assertTiled(decoded!, what);
    for (const field of decoded!.fields) assert.equal(typeof field.text, "string", `${what}: ${field.name}`);
    seen.add(packet.type);
  });
  assert.equal(seen.size, 15);
});

test("mqtt-packet reads what we write", () => {
  each((protocolVersion, packet) => {
    const bytes = encodePacket(packet, { protocolVersion });
    const { packet: theirs, error } = parsed(bytes, protocolVersion);
    const what = `${packet.type} of ${protocolVersion}`;
    assert.equal(error, undefined, what);
    assert.equal(theirs?.cmd, packet.type.toLowerCase(), what);
    const [{ packet: ours }] = decodePackets(bytes, { protocolVersion }) as [DecodedPacket];
    assertAgree(ours, theirs!, what);
  });
});

test("we read what mqtt-packet writes", () => {
  let count = 0;
  each((protocolVersion, packet) => {
    const { packet: theirs } = parsed(encodePacket(packet, { protocolVersion }), protocolVersion);
    const given = { ...theirs, ...(packet.type === "CONNECT" ? {} : { protocolVersion }) };
    const bytes = generate(given as never, { protocolVersion });
    const [decoded, ...rest] = decodePackets(bytes, { protocolVersion }) as [DecodedPacket];
    const what = `${packet.type} of ${protocolVersion}`;
    assert.equal(rest.length, 0, what);
    assert.equal(decoded.packet.problem, undefined, what);
    assertAgree(decoded.packet, theirs!, what);
    assertTiled(decoded, what);
    count++;
  });
  assert.ok(count > 50);
});

const NAMES: readonly (readonly [ours: keyof Packet, theirs: string])[] = [
  ["topicName", "topic"],
  ["packetIdentifier", "messageId"],
  ["clientIdentifier", "clientId"],
  ["keepAlive", "keepalive"],
  ["userName", "username"],
  ["password", "password"],
  ["cleanStart", "clean"],
  ["cleanSession", "clean"],
  ["sessionPresent", "sessionPresent"],
  ["returnCode", "returnCode"],
  ["reasonCode", "reasonCode"],
  ["topicFilters", "unsubscriptions"],
  ["reasonCodes", "granted"],
  ["payload", "payload"],
  ["bridgeMode", "bridgeMode"],
];

const OTHER_PROPERTY_NAMES: Readonly<Record<string, string>> = {
  subscriptionIdentifierAvailable: "subscriptionIdentifiersAvailable",
};

function assertAgree(ours: Packet, theirs: Record<string, unknown>, what: string): void {
  for (const [mine, other] of NAMES) {
    if (ours[mine] === undefined) continue;
    assert.deepEqual(
      plain(ours[mine]),
      plain(theirs[other] instanceof Buffer ? new Uint8Array(theirs[other] as Buffer) : theirs[other]),
      `${what}: ${mine}`,
    );
  }
  const properties = (theirs.properties ?? {}) as Record<string, unknown>;
  for (const [key, value] of Object.entries(ours.properties ?? {})) {
    if (key === "userProperty" || key === "subscriptionIdentifier") continue;
    const other = properties[OTHER_PROPERTY_NAMES[key] ?? key];
    // What the specification calls a byte of 0 or 1 is a boolean there.
    const read = other instanceof Buffer ? new Uint8Array(other) : typeof value === "number" ? Number(other) : other;
    assert.deepEqual(plain(value), plain(read), `${what}: ${key}`);
  }
}

test("packets come out the same however the stream is cut", () => {
  for (const version of [3, 4, 5] as const) {
    const parts: Uint8Array[] = [];
    each((one, packet) => {
      if (one === version) parts.push(encodePacket(packet, { protocolVersion: version }));
    });
    const stream = Buffer.concat(parts);
    const run = (next: () => number) => {
      const decoder = new PacketDecoder({ agreement: { protocolVersion: version }, midway: true });
      const out: string[] = [];
      for (let at = 0; at < stream.length; ) {
        const end = Math.min(stream.length, at + next());
        out.push(
          ...decoder.push(stream.subarray(at, end)).map((one) => `${one.offset} ${one.packet.type} ${hex(one.bytes)}`),
        );
        at = end;
      }
      assert.deepEqual(decoder.end(), []);
      assert.equal(decoder.bytes, stream.length);
      return out;
    };
    const whole = run(() => stream.length);
    assert.equal(whole.length, parts.length);
    assert.deepEqual(
      run(() => 1),
      whole,
    );
    const random = numbers(version);
    for (let round = 0; round < 20; round++)
      assert.deepEqual(
        run(() => 1 + random(40)),
        whole,
      );
  }
});

test("CONNECT's version steers both directions; a v5 stream is not read as v4", () => {
  const agreement = {};
  const up = new PacketDecoder({ agreement });
  const down = new PacketDecoder({ agreement, direction: "to-client" });
  up.push(encodePacket({ type: "CONNECT", protocolVersion: 5, clientIdentifier: "a" }));
  const connack = encodePacket({ type: "CONNACK", reasonCode: 0, properties: { topicAliasMaximum: 10 } });
  assert.equal(down.push(connack)[0]!.packet.properties?.topicAliasMaximum, 10);
  const publish = { type: "PUBLISH", topicName: "a", payload: "hello", properties: { contentType: "t" } } as const;
  assert.equal(up.push(encodePacket(publish))[0]!.packet.payloadText, "hello");
  assert.equal(down.push(encodePacket(publish))[0]!.packet.payloadText, "hello");

  const older = {};
  const up4 = new PacketDecoder({ agreement: older });
  const down4 = new PacketDecoder({ agreement: older, direction: "to-client" });
  up4.push(encodePacket({ type: "CONNECT", protocolVersion: 4, clientIdentifier: "a" }));
  assert.equal(
    down4.push(encodePacket({ type: "CONNACK", returnCode: 5 }, { protocolVersion: 4 }))[0]!.packet.returnCode,
    5,
  );
  const plainPublish = encodePacket({ type: "PUBLISH", topicName: "a", payload: "hello" }, { protocolVersion: 4 });
  assert.equal(down4.push(plainPublish)[0]!.packet.payloadText, "hello");
});

test("what breaks the protocol is a record that names the statement, and never an exception", () => {
  const cases: readonly (readonly [
    bytes: Uint8Array | string,
    version: ProtocolVersion,
    type: string,
    clause: string | undefined,
    problem: RegExp,
  ])[] = [
    ["36 03 00 01 61", 5, "MALFORMED", "[MQTT-3.3.1-4]", /both QoS bits/],
    ["38 04 00 01 61 00", 5, "PUBLISH", "[MQTT-3.3.1-2]", /DUP/],
    ["30 04 00 01 2b 00", 5, "PUBLISH", "[MQTT-3.3.2-2]", /must not contain/],
    ["30 05 00 09 61 62 63", 5, "MALFORMED", "[MQTT-4.13.1-1]", /says it has 9 bytes, the packet has 3 left/],
    ["30 05 00 02 c3 28 00", 5, "MALFORMED", "[MQTT-1.5.4-1]", /UTF-8/],
    ["30 05 00 02 c3 28 00", 4, "MALFORMED", "[MQTT-1.5.3-1]", /UTF-8/],
    ["30 04 00 01 00 00", 5, "MALFORMED", "[MQTT-1.5.4-2]", /null character/],
    ["32 06 00 01 61 00 00 00", 5, "PUBLISH", "[MQTT-2.2.1-3]", /Packet Identifier of 0/],
    ["30 07 00 01 61 03 23 00 00", 5, "PUBLISH", "[MQTT-3.3.2-8]", /must not be 0/],
    ["30 06 00 01 61 02 7f 00", 5, "MALFORMED", "[MQTT-4.13.1-1]", /0x7F is no property/],
    ["30 05 00 01 61 05 23", 5, "MALFORMED", "[MQTT-4.13.1-1]", /Property Length says 5/],
    ["80 07 00 01 00 00 01 61 00", 5, "SUBSCRIBE", "[MQTT-3.8.1-1]", /flags of SUBSCRIBE are 0000/],
    ["82 07 00 01 00 00 01 61 03", 5, "SUBSCRIBE", "[MQTT-4.13.1-1]", /QoS 3/],
    ["82 07 00 01 00 00 01 61 c0", 5, "SUBSCRIBE", "[MQTT-3.8.3-5]", /reserved/],
    ["82 03 00 01 00", 5, "MALFORMED", "[MQTT-3.8.3-2]", /no topic filter/],
    ["82 09 00 01 00 00 03 61 62 23 00", 5, "SUBSCRIBE", "[MQTT-4.7.1-1]", /last level/],
    ["a2 04 00 01 00 00", 5, "MALFORMED", "[MQTT-4.13.1-1]", /length of a Topic Filter/],
    ["40 03 00 01 92", 5, "PUBACK", "[MQTT-4.13.1-1]", /0x92 is no reason code/],
    ["c0 01 00", 5, "MALFORMED", "[MQTT-4.13.1-1]", /complete/],
    ["f0 00", 4, "MALFORMED", "[MQTT-4.13.1-1]", /AUTH exists since/],
    ["00 00", 5, "MALFORMED", "[MQTT-4.13.1-1]", /type 0/],
    ["30 ff ff ff ff 01", 5, "MALFORMED", "[MQTT-4.13.1-1]", /more than four bytes/],
    ["10 0c 00 04 4d 51 54 58 05 02 00 3c 00 00", 5, "MALFORMED", "[MQTT-3.1.2-1]", /MQTX/],
    ["10 0d 00 04 4d 51 54 54 06 02 00 3c 00 00 00", 5, "MALFORMED", "[MQTT-3.1.2-2]", /version 6/],
    ["10 0d 00 04 4d 51 54 54 05 03 00 3c 00 00 00", 5, "CONNECT", "[MQTT-3.1.2-3]", /reserved bit/],
    ["47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31 0d 0a", 5, "MALFORMED", undefined, /HTTP request/],
    ["16 03 01 02 00 01 00 01 fc 03 03", 5, "MALFORMED", undefined, /TLS handshake/],
    ["30 05 00 01", 5, "MALFORMED", undefined, /ended after 4 of 7 bytes/],
    ["30", 5, "MALFORMED", undefined, /ended after 1 byte/],
  ];
  for (const [bytes, protocolVersion, type, clause, problem] of cases) {
    const all = decodePackets(bytes, { protocolVersion });
    const what = `${bytes} of ${protocolVersion}`;
    assert.equal(all.length, 1, what);
    assert.equal(all[0]!.packet.type, type, `${what}: ${all[0]!.packet.problem}`);
    assert.match(all[0]!.packet.problem ?? "", problem, what);
    assert.equal(all[0]!.packet.clause, clause, what);
    assertTiled(all[0]!, what);
  }
});

test("the first packet of a client is CONNECT, and there is one only", () => {
  const connect = encodePacket({ type: "CONNECT", clientIdentifier: "a" });
  const publish = encodePacket({ type: "PUBLISH", topicName: "a", payload: "x" });
  const first = decodePackets(publish, { direction: "to-broker" });
  assert.deepEqual([first[0]!.packet.type, first[0]!.packet.clause], ["PUBLISH", "[MQTT-3.1.0-1]"]);
  const hello = new PacketDecoder({ direction: "to-broker" }).push(Buffer.from("hello"));
  assert.equal(hello[0]!.packet.clause, "[MQTT-3.1.0-1]");
  assert.match(hello[0]!.packet.problem ?? "", /0x68 is no CONNECT/);
  const twice = decodePackets(Buffer.concat([connect, publish, connect]), { direction: "to-broker" });
  assert.deepEqual(
    twice.map((one) => one.packet.clause),
    [undefined, undefined, "[MQTT-3.1.0-2]"],
  );
});

test("what was decoded does not change when the given memory is used again", () => {
  const one = encodePacket({ type: "PUBLISH", topicName: "a", payload: "first" });
  const stream = Buffer.concat([one, one, one]);
  for (const cut of [0, 3, one.length, one.length + 4]) {
    const decoder = new PacketDecoder({ midway: true });
    const memory = Buffer.from(stream);
    const out = [...decoder.push(memory.subarray(0, cut)), ...decoder.push(memory.subarray(cut))];
    memory.fill(0);
    assert.equal(out.length, 3);
    for (const { bytes, packet } of out) {
      assert.equal(hex(bytes), hex(one));
      assert.equal(Buffer.from(packet.payload as Uint8Array).toString(), "first");
    }
  }
});

test("after a malformed packet bytes are counted and not read", () => {
  const decoder = new PacketDecoder({ midway: true });
  const bad = Uint8Array.of(0x36, 3, 0, 1, 97);
  const good = encodePacket({ type: "PINGREQ" });
  assert.deepEqual(
    decoder.push(Buffer.concat([good, bad, good])).map((one) => one.packet.type),
    ["PINGREQ", "MALFORMED"],
  );
  assert.ok(decoder.stopped);
  assert.deepEqual(decoder.push(good), []);
  assert.deepEqual(decoder.end(), []);
  assert.equal(decoder.bytes, 2 + 5 + 2 + 2);
});

test("deliberately malformed packets can be written", () => {
  assert.equal(hex(encodePacket({ type: "PINGREQ" }, { flags: 15, remainingLength: 300 })), "cfac02");
  assert.equal(hex(encodePacket({ type: "PINGREQ" }, { typeNumber: 0 })), "0000");
  assert.equal(
    hex(encodePacket({ type: "PUBLISH", topicName: Uint8Array.of(0xc3, 0x28), payload: "" }, { protocolVersion: 4 })),
    "30040002c328",
  );
  assert.equal(hex(encodePacket({ type: "SUBSCRIBE", packetIdentifier: 0, subscriptions: [] })), "8203000000");
  const twice = encodePacket({
    type: "PUBLISH",
    topicName: "a",
    payload: "",
    properties: { topicAlias: [1, 2] as never },
  });
  assert.match(decodePackets(twice)[0]!.packet.problem ?? "", /twice/);
  assert.throws(() => encodePacket({ type: "NONSENSE" as never }), { code: "BAD_ARGUMENT" });
  assert.throws(() => encodePacket({ type: "PUBLISH", topicName: "a".repeat(65_536) }), { code: "BAD_ARGUMENT" });
  assert.throws(() => encodePacket({ type: "CONNECT", properties: { nonsense: 1 } as never }), {
    code: "BAD_ARGUMENT",
  });
  assert.throws(() => decodePackets("3"), { code: "BAD_ARGUMENT" });
});

test("of a large packet the first bytes, the length and the hash stay", () => {
  const payload = Buffer.alloc(200_000, "x");
  const bytes = encodePacket({ type: "PUBLISH", topicName: "big", qos: 1, packetIdentifier: 5, payload });
  const decoder = new PacketDecoder({ midway: true, keep: 1_000, hash: () => ({ update() {}, hex: () => "ab" }) });
  const out = [...decoder.push(bytes.subarray(0, 70_000)), ...decoder.push(bytes.subarray(70_000))];
  assert.equal(out.length, 1);
  const { packet, length, hash } = out[0]!;
  assert.deepEqual([packet.type, packet.topicName, packet.packetIdentifier], ["PUBLISH", "big", 5]);
  assert.deepEqual([packet.problem, packet.payloadLength, length, hash], [undefined, 200_000, bytes.length, "ab"]);
  assert.equal(out[0]!.bytes.length, 1_000);
});

test("20,000 damaged packets: no exception, no hang, fields tile what is there", () => {
  const random = numbers(20_260_101);
  const whole: [ProtocolVersion, Uint8Array][] = [];
  each((version, packet) => void whole.push([version, encodePacket(packet, { protocolVersion: version })]));
  const malformed = { count: 0 };
  for (let round = 0; round < 20_000; round++) {
    const [version, bytes] = whole[random(whole.length)]!;
    const damaged = Uint8Array.from(bytes);
    for (let hits = 1 + random(4); hits > 0; hits--) damaged[random(damaged.length)] = random(256);
    const cut = random(3) === 0 ? damaged.subarray(0, 1 + random(damaged.length)) : damaged;
    const protocolVersion = random(5) === 0 ? ([3, 4, 5] as const)[random(3)]! : version;
    for (const one of decodePackets(cut, { protocolVersion })) {
      if (one.packet.type === "MALFORMED") malformed.count++;
      assertTiled(one, `round ${round}, ${hex(cut)}`);
    }
  }
  assert.ok(malformed.count > 1_000);
});

test("packets that are read when somebody asks are those that are read at once", () => {
  const random = numbers(42);
  const plain = { 4: "32 07 00 01 61 00 07 68 69", 5: "32 08 00 01 61 00 07 00 68 69" };
  const kinds = [
    "30 05 00 01 74 00 78",
    "40 02 00 01",
    "50 03 00 01 10",
    "62 02 00 02",
    "70 02 00 02",
    "c0 00",
    "d0 00",
  ];
  let waiting = 0;
  let malformed = 0;
  for (let round = 0; round < 4_000; round++) {
    const version = ([3, 4, 5] as const)[random(3)]!;
    const direction = (["to-broker", "to-client"] as const)[random(2)]!;
    const connect = encodePacket({ type: "CONNECT", protocolVersion: version, clientIdentifier: "c" });
    const all = [...kinds, plain[version === 5 ? 5 : 4]].map((one) => Buffer.from(one.replaceAll(" ", ""), "hex"));
    const stream = Buffer.concat([connect, ...Array.from({ length: 12 }, () => all[random(all.length)]!)]);
    for (let hits = random(3); hits > 0; hits--)
      stream[connect.length + random(stream.length - connect.length)] = random(256);
    const cut = connect.length + random(stream.length - connect.length);
    const read = (lazy: boolean, now = false) => {
      const decoder = new PacketDecoder({ direction, lazy, keep: 40, hash: () => ({ update() {}, hex: () => "ab" }) });
      const pushed = [
        ...decoder.push(Buffer.from(stream.subarray(0, cut))),
        ...decoder.push(stream.subarray(cut), now),
      ];
      waiting += pushed.filter((one) => one instanceof Framed).length;
      malformed += pushed.at(-1)!.packet.type === "MALFORMED" ? 1 : 0;
      return [...pushed, ...decoder.end()].map(({ kind, packet, bytes, length, hash, offset, protocolVersion }) => {
        assert.equal(bytes.constructor, Uint8Array);
        return { kind, packet, bytes, length, hash, offset, protocolVersion, stopped: decoder.stopped };
      });
    };
    const expected = read(false);
    assert.deepEqual(read(true), expected, hex(stream));
    assert.deepEqual(read(true, true), expected, hex(stream));
  }
  assert.ok(waiting > 10_000 && malformed > 1_000, `${waiting} waited, ${malformed} ended malformed`);
});

test("noise of every length is read without an exception", () => {
  const random = numbers(7);
  for (let round = 0; round < 5_000; round++) {
    const noise = Uint8Array.from({ length: random(80) }, () => random(256));
    const direction = (["to-broker", "to-client", undefined] as const)[random(3)];
    const all = decodePackets(noise, { direction });
    assert.equal(
      all.reduce((sum, one) => sum + (one.packet.type === "MALFORMED" ? noise.length - sum : one.length), 0),
      noise.length,
    );
    for (const one of all) assertTiled(one, hex(noise));
  }
});

test("codec and explanations load no Node built-in", () => {
  const room = dirname(require.resolve("kernel-helpers/dist/mqtt/codec"));
  const seen = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, name] of readFileSync(file, "utf8").matchAll(/require\("([^"]+)"\)/g)) {
      assert.ok(name!.startsWith("."), `${file} loads ${name}`);
      visit(`${join(dirname(file), name!)}.js`);
    }
  };
  for (const name of ["codec", "explain", "explain-log"]) visit(join(room, `${name}.js`));
  assert.ok(seen.size > 10);
  assert.ok(readdirSync(room).includes("tap.js"));
});
