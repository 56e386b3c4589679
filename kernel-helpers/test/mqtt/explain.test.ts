import assert from "node:assert/strict";
import { test } from "node:test";
import { openClient } from "kernel-helpers/dist/mqtt/client";
import { decodePackets, encodePacket, type PacketToEncode } from "kernel-helpers/dist/mqtt/codec";
import { explainPacket, explainReasonCode, REASON_CODES, reasonOf } from "kernel-helpers/dist/mqtt/explain";
import { explainLog } from "kernel-helpers/dist/mqtt/explain-log";
import { mosquitto, noMosquitto } from "./mosquitto";
import { each } from "./samples";

const said = (packet: PacketToEncode, protocolVersion: 3 | 4 | 5 = 5, direction?: "to-broker" | "to-client") =>
  explainPacket(decodePackets(encodePacket(packet, { protocolVersion }), { protocolVersion })[0]!.packet, {
    protocolVersion,
    direction,
  }).join(" ");

/** Table 2-6 of MQTT 5.0, written down once more. */
const TABLE = `00 01 02 04 10 11 18 19 80 81 82 83 84 85 86 87 88 89 8a 8b 8c 8d 8e 8f 90 91 92 93 94 95 96 97 98 99 9a 9b 9c
 9d 9e 9f a0 a1 a2`;

test("every reason code of MQTT 5.0 has a name, a meaning, and for failures what to try", () => {
  assert.deepEqual(
    [...REASON_CODES].sort((a, b) => a - b),
    TABLE.split(/\s+/).map((code) => Number.parseInt(code, 16)),
  );
  const names = new Set<string>();
  for (const code of REASON_CODES) {
    const read = explainReasonCode(code);
    assert.equal(read.code, code);
    assert.equal(read.failure, code >= 0x80);
    assert.ok(read.meaning && read.clause && (!read.failure || read.tryNext), read.name);
    names.add(read.name);
  }
  assert.equal(names.size, REASON_CODES.length);
  assert.deepEqual(
    [explainReasonCode(0, "SUBACK").name, explainReasonCode(0, "DISCONNECT").name, explainReasonCode(0, "PUBACK").name],
    ["Granted QoS 0", "Normal disconnection", "Success"],
  );
  assert.match(explainReasonCode(0x8e, "PUBACK").meaning, /does not allow this code in PUBACK/);
  assert.equal(explainReasonCode(0x77).name, "Reserved");
});

test("the codes of MQTT 3.1.1 are not those of 5.0", () => {
  const names = [0, 1, 2, 3, 4, 5].map((code) => explainReasonCode(code, "CONNACK", 4).name);
  assert.match(names[0]!, /Accepted/);
  for (const [code, word] of [
    [1, "version"],
    [2, "identifier"],
    [3, "unavailable"],
    [4, "password"],
    [5, "authorized"],
  ] as const) {
    assert.match(names[code]!, new RegExp(word));
    assert.ok(explainReasonCode(code, "CONNACK", 4).failure);
  }
  assert.equal(explainReasonCode(6, "CONNACK", 4).name, "Reserved");
  assert.equal(explainReasonCode(0x80, "SUBACK", 4).name, "Failure");
  assert.equal(explainReasonCode(2, "SUBACK", 4).name, "Maximum QoS 2");
  assert.equal(reasonOf({ type: "CONNACK", returnCode: 5 })?.name, "Connection Refused, not authorized");
  assert.equal(reasonOf({ type: "SUBACK", reasonCodes: [1, 0x87] })?.name, "Not authorized");
  assert.equal(reasonOf({ type: "PINGREQ" }), undefined);
});

test("every packet can be explained, and no sentence has a hole", () => {
  each((version, packet) => {
    for (const direction of ["to-broker", "to-client", undefined] as const) {
      const text = said(packet, version, direction);
      assert.doesNotMatch(text, /undefined|NaN|\[object|\?\]/, text);
      if (packet.type !== "DISCONNECT" || direction !== "to-client") assert.ok(text, packet.type);
    }
  });
});

test("sentences speak of the flags that matter, with the statement's number", () => {
  assert.match(
    said({ type: "CONNECT", clientIdentifier: "" }),
    /Clean Start.*\[MQTT-3\.1\.2-4\].*makes one up.*\[MQTT-3\.1\.3-7\]/,
  );
  assert.match(
    said({ type: "CONNECT", protocolVersion: 4, cleanSession: false }, 4),
    /goes on with an earlier session.*\[MQTT-3\.1\.2-4\]/,
  );
  assert.match(said({ type: "CONNECT", cleanStart: false }), /a later No Clean Start finds none/);
  assert.match(
    said({ type: "PUBLISH", topicName: "a", retain: true, payload: "1" }, 5, "to-broker"),
    /last value.*\[MQTT-3\.3\.1-5\]/,
  );
  assert.match(
    said({ type: "PUBLISH", topicName: "a", retain: true, payload: "" }, 5, "to-broker"),
    /forgets.*\[MQTT-3\.3\.1-6\]/,
  );
  assert.match(
    said({ type: "PUBLISH", topicName: "a", retain: true, payload: "1" }, 4, "to-client"),
    /\[MQTT-3\.3\.1-8\]/,
  );
  assert.match(
    said({ type: "PUBLISH", topicName: "a", qos: 1, dup: true, packetIdentifier: 7 }),
    /DUP.*\[MQTT-3\.3\.1-1\]/,
  );
  assert.match(said({ type: "CONNACK", reasonCode: 0x87 }), /0x87 Not authorized.*closes the connection/);
  assert.match(said({ type: "CONNACK", returnCode: 5 }, 4), /not authorized.*\[MQTT-3\.2\.2-5\]/);
  assert.match(said({ type: "DISCONNECT" }, 5, "to-broker"), /drops its will.*\[MQTT-3\.14\.4-3\]/);
  assert.match(said({ type: "DISCONNECT", reasonCode: 4 }, 5, "to-broker"), /will is published/);
  const bad = decodePackets("30 05 00 09 61 62 63")[0]!.packet;
  assert.match(explainPacket(bad).join(), /no packet: the Topic Name says it has 9 bytes.*\[MQTT-4\.13\.1-1\]/);
  assert.match(explainPacket(decodePackets(Buffer.from("GET / HTTP/1.1\r\n\r\n"))[0]!).join(), /HTTP request/);
});

const LOG: readonly (readonly [line: string, meaning: RegExp, weight?: string])[] = [
  ["1700000000: mosquitto version 2.1.2 starting", /it is Mosquitto 2\.1\.2/],
  ["2026-01-02T03:04:05: mosquitto version 2.0.21 running", /Start-up is over/, "notice"],
  [
    "Starting in local only mode. Connections will only be possible from clients running on this machine.",
    /No listener/,
    "warning",
  ],
  ["Create a configuration file which defines a listener to allow remote access.", /opens the broker/],
  ["Opening websockets listen socket on port 9001.", /WebSockets.*9001/],
  [
    "New client connected from 127.0.0.1:40112 as sensor (p2, c1, k60).",
    /MQTT 3\.1\.1, clean session, keep alive 60 s/,
    "notice",
  ],
  [
    "New client connected from 127.0.0.1:40112 as my sensor (p5, c0, k1, u'anna').",
    /client my sensor.*MQTT 5, no clean start.*user anna/,
    "notice",
  ],
  ["Client s disconnected.", /left with DISCONNECT/],
  ["Client s [127.0.0.1:4711] disconnected.", /left with DISCONNECT/],
  ["Client s closed its connection.", /without DISCONNECT/],
  ["Client s [127.0.0.1:4711] disconnected: connection closed by client.", /without DISCONNECT/],
  ["Client s has exceeded timeout, disconnecting.", /one and a half/, "notice"],
  ["Client s [127.0.0.1:4711] disconnected: exceeded timeout.", /one and a half/, "notice"],
  ["Client s already connected, closing old connection.", /newer connection/, "warning"],
  ["Client s [127.0.0.1:4711] disconnected: session taken over.", /newer connection/, "warning"],
  ["Client s disconnected, not authorised.", /refused/, "warning"],
  ["Client s disconnected due to protocol error.", /not allowed/, "warning"],
  ["Client s [127.0.0.1:4711] disconnected: protocol error.", /not allowed/, "warning"],
  ["Denied PUBLISH from s (d0, q1, r0, m7, 'a/b', ... (1 bytes))", /may not publish to a\/b.*0x87/, "warning"],
  ["Outgoing messages are being dropped for client dur.", /queue of dur is full/, "warning"],
  ["Saving in-memory database to /mosquitto/data//mosquitto.db.", /written to \/mosquitto\/data\/\/mosquitto\.db\.$/],
  ["Restored 10 client messages", /10 client messages came back/],
  ["Error found at /mosquitto/config/mosquitto.conf:6.", /line 6/, "error"],
  ['Error: Unknown configuration variable "lisener".', /No option is called lisener/, "error"],
  ["Error: Unknown configuration variable 'lisener'.", /No option is called lisener/, "error"],
  ["Error: Address already in use", /Another program/, "error"],
  ['Error: Unable to open pwfile "/mosquitto/config/passwd".', /password file/, "error"],
  [
    "OpenSSL Error while trying to get the error[0]: error:0A0000C7:SSL routines::peer did not return a certificate",
    /the client sent no certificate/,
    "warning",
  ],
  [
    "OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed",
    /nobody in `cafile` vouches for it/,
    "warning",
  ],
  ["OpenSSL Error [0]: error:05800074:x509 certificate routines::key values mismatch", /mismatch/, "warning"],
  ["Error: something new.", /^$/, "error"],
  ["nobody knows this line", /^$/],
];

test("log lines in the wordings of 2.0 and 2.1; unknown ones pass through", () => {
  const all = explainLog(LOG.map(([line]) => line));
  LOG.forEach(([line, meaning, weight], index) => {
    assert.equal(all[index]!.line, line);
    assert.match(all[index]!.meaning ?? "", meaning, line);
    assert.equal(all[index]!.weight, weight, line);
  });
});

test("every line that this machine's Mosquitto writes in an ordinary life is explained", {
  skip: noMosquitto,
}, async () => {
  const broker = await mosquitto("allow_anonymous true\npersistence true\npersistence_location FOLDER/");
  try {
    for (const protocolVersion of [3, 4, 5] as const) {
      const will = { topic: "w", payload: Buffer.from("x"), qos: 1 as const, retain: true };
      const client = await openClient(broker.url, { protocolVersion, clientId: `c${protocolVersion}`, will });
      await client.mqtt.subscribeAsync("a/#", { qos: 2 });
      await client.mqtt.publishAsync("a/1", "x", { qos: 2, retain: true });
      await client.next();
      await client.mqtt.unsubscribeAsync("a/#");
      if (protocolVersion === 5) client.cut();
      await client.close();
    }
  } finally {
    await broker.stop();
  }
  const lines = broker.log().split("\n").filter(Boolean);
  assert.ok(lines.length > 40);
  assert.deepEqual(
    explainLog(lines)
      .filter((one) => !one.meaning)
      .map((one) => one.line),
    [],
  );
});

test("a hostile log line costs no time", () => {
  const evil = `Client ${"a ".repeat(50_000)}[`;
  explainLog([
    evil,
    `Protocol error from ${"x".repeat(100_000)}`,
    `New client connected from ${"(p".repeat(30_000)}`,
    "\t".repeat(100_000),
  ]);
});
