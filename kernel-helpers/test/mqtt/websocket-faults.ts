/** What faults do to real clients behind a WebSocket listener, for each broker that can be had. */
import assert from "node:assert/strict";
import { until } from "kernel-helpers/dist/core/until";
import { openClient } from "kernel-helpers/dist/mqtt/client";
import { openTap, type Tap, type TapOptions } from "kernel-helpers/dist/mqtt/tap";

/** All faults in turn. @param url of the listener. @param options for a tap that ends TLS, and what its clients trust. */
export async function websocketFaults(url: string, options: TapOptions = {}, trust: object = {}): Promise<void> {
  for (const run of [dropping, holding, delaying, corrupting, splitting, coalescing, cutting, freezing, untouched]) {
    const tap = await openTap({ url }, options);
    try {
      await run(tap, trust).catch((error: Error) => {
        throw new Error(`${run.name}: ${error.message}`, { cause: error });
      });
      assert.deepEqual(
        tap.packets.filter((one) => one.packet.problem),
        [],
        run.name,
      );
    } finally {
      await tap.close();
    }
  }
}

const faults = (tap: Tap) => tap.packets.filter((one) => one.fault).map((one) => `${one.packet.type} ${one.fault}`);
const payloads = (tap: Tap, direction: "to-broker" | "to-client") =>
  tap.select({ type: "PUBLISH", direction }).map((one) => one.packet.payloadText);

/** A subscriber whose PUBACK is lost gets the message again, with DUP, when it comes back. */
async function dropping(tap: Tap, trust: object): Promise<void> {
  const drop = tap.drop("PUBACK", { client: "sensor", direction: "to-client" });
  const durable = { ...trust, clientId: "sensor", clean: false, properties: { sessionExpiryInterval: 60 } };
  const sensor = await openClient(tap, { ...durable, reconnectPeriod: 20 });
  await sensor.mqtt.subscribeAsync("ws/drop", { qos: 1 });
  const sent = sensor.mqtt.publishAsync("ws/drop", "once", { qos: 1 });
  await tap.next((one) => one.fault === "dropped");
  assert.deepEqual([drop.count, drop.armed], [1, false]);
  // The next ones go through: only what was dropped is missing.
  await sensor.mqtt.publishAsync("ws/drop", "twice", { qos: 1 });
  tap.cut();
  await sent;
  const again = payloads(tap, "to-broker").filter((one) => one === "once");
  assert.equal(again.length, 2);
  assert.deepEqual(faults(tap), ["PUBACK dropped"]);
  await sensor.close();
}

async function holding(tap: Tap, trust: object): Promise<void> {
  const client = await openClient(tap, { ...trust });
  await client.mqtt.subscribeAsync("ws/hold", { qos: 0 });
  const hold = tap.hold({ type: "PUBLISH", direction: "to-broker" });
  for (const text of ["1", "2", "3"]) client.mqtt.publish("ws/hold", text);
  await tap.next((one) => one.packet.payloadText === "3" && one.direction === "to-broker");
  const other = await openClient(tap, { ...trust });
  await other.mqtt.publishAsync("ws/hold", "other", { qos: 1 });
  assert.equal((await client.next("ws/hold")).text, "other");
  assert.deepEqual(faults(tap), ["PUBLISH held", "PUBLISH held", "PUBLISH held"]);
  hold.release();
  assert.deepEqual(
    (await client.collect(3)).map((one) => one.text),
    ["1", "2", "3"],
  );
  assert.ok(tap.packets.filter((one) => one.fault).every((one) => one.forwardedAt! > one.at));
  await client.close();
  await other.close();
}

async function delaying(tap: Tap, trust: object): Promise<void> {
  const client = await openClient(tap, { ...trust });
  tap.delay("PUBACK", { ms: 120 });
  await client.mqtt.publishAsync("ws/delay", "1", { qos: 1 });
  const ack = tap.select("PUBACK")[0]!;
  assert.equal(ack.fault, "delayed");
  assert.ok(ack.forwardedAt! - ack.at >= 110, `${ack.forwardedAt! - ack.at} ms`);
  await client.close();
}

async function corrupting(tap: Tap, trust: object): Promise<void> {
  const client = await openClient(tap, { ...trust });
  await client.mqtt.subscribeAsync("ws/corrupt", { qos: 0 });
  for (const direction of ["to-broker", "to-client"] as const) {
    tap.corrupt({ type: "PUBLISH", direction }, { at: -1, to: "!".charCodeAt(0) });
    await client.mqtt.publishAsync("ws/corrupt", "abc");
    assert.equal((await client.next("ws/corrupt")).text, "ab!", direction);
    const record = tap.packets.find((one) => one.fault && one.direction === direction)!;
    assert.deepEqual([record.corruption?.was, record.corruption?.is], [0x63, 0x21]);
    assert.equal(record.packet.payloadText, "abc");
  }
  await client.mqtt.publishAsync("ws/corrupt", "abc");
  assert.equal((await client.next("ws/corrupt")).text, "abc");
  await client.close();
}

async function splitting(tap: Tap, trust: object): Promise<void> {
  const client = await openClient(tap, { ...trust });
  await client.mqtt.subscribeAsync("ws/split", { qos: 1 });
  tap.split("PUBLISH", { size: 3, gap: 1, count: 2 });
  await client.mqtt.publishAsync("ws/split", "in pieces", { qos: 1 });
  assert.equal((await client.next("ws/split")).text, "in pieces");
  assert.deepEqual(faults(tap), ["PUBLISH split", "PUBLISH split"]);
  await client.close();
}

async function coalescing(tap: Tap, trust: object): Promise<void> {
  const client = await openClient(tap, { ...trust });
  await client.mqtt.subscribeAsync("ws/coalesce", { qos: 0 });
  tap.coalesce({ type: "PUBLISH", direction: "to-broker" });
  await client.mqtt.publishAsync("ws/coalesce", "1");
  await tap.next({ type: "PUBLISH", direction: "to-broker" });
  await client.mqtt.publishAsync("ws/coalesce", "2");
  assert.deepEqual(
    (await client.collect(2)).map((one) => one.text),
    ["1", "2"],
  );
  const [first, second] = tap.packets.filter((one) => one.fault === "coalesced");
  assert.ok(first!.forwardedAt! >= second!.at);
  await client.close();
}

async function cutting(tap: Tap, trust: object): Promise<void> {
  const client = await openClient(tap, { ...trust });
  await client.mqtt.subscribeAsync("ws/cut", { qos: 0 });
  tap.cut({ type: "PUBLISH", direction: "to-broker" });
  client.mqtt.publish("ws/cut", "never");
  await client.closed;
  assert.deepEqual(faults(tap), ["PUBLISH cut"]);
  assert.deepEqual(payloads(tap, "to-client"), []);
}

async function freezing(tap: Tap, trust: object): Promise<void> {
  const client = await openClient(tap, { ...trust });
  await client.mqtt.subscribeAsync("ws/freeze", { qos: 0 });
  const freeze = tap.freeze();
  client.mqtt.publish("ws/freeze", "later");
  const frozen = await tap.next((one) => one.fault === "frozen");
  assert.equal(frozen.packet.payloadText, "later");
  freeze.unfreeze();
  assert.equal((await client.next("ws/freeze")).text, "later");
  assert.ok(frozen.forwardedAt! >= frozen.at);
  tap.cut();
  await client.closed;
}

/** With a fault armed that never comes, what passes is what would have passed, frame for frame. */
async function untouched(tap: Tap, trust: object): Promise<void> {
  const [armed, free] = [await openClient(tap, { ...trust, clientId: "armed" }), await openClient(tap, { ...trust })];
  const drop = tap.drop("UNSUBSCRIBE", { client: "armed" });
  for (const client of [armed, free]) {
    await client.mqtt.subscribeAsync("ws/none", { qos: 2 });
    // No empty one: MQTT.js sends an empty frame for it, and Mosquitto 2.1.2 ends the connection.
    for (const size of [1, 125, 126, 70_000, 300_000]) {
      await client.mqtt.publishAsync("ws/none", "x".repeat(size), { qos: 2 });
    }
    await until("all came", () => client.messages.length >= 5);
  }
  assert.equal(drop.count, 0);
  for (const { number, toBroker, toClient } of tap.connections) {
    for (const [direction, bytes] of [
      ["to-broker", toBroker],
      ["to-client", toClient],
    ] as const) {
      const frames = tap.frames.filter((one) => one.connection === number && one.direction === direction);
      assert.equal(
        frames.reduce((sum, one) => sum + one.length, 0),
        bytes,
      );
    }
  }
  await armed.close();
  await free.close();
}
