import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  type Broker,
  engines,
  type Lab,
  LabError,
  openLab,
  showHealth,
  showLog,
  showPackets,
  showSequence,
} from "kernel-helpers";
import type { EngineKind } from "kernel-helpers/dist/brokers/engine";

const OPEN = "listener 1883\nallow_anonymous true\n";

/** What a cell sees, on every engine of this machine. */
for (const engine of ["docker", "embedded", "local"] as const) {
  describe(`lab on ${engine}`, () => {
    let lab: Lab;
    let missing = "";
    before(async () => {
      const probe = (await engines()).find((one) => one.kind === engine);
      if (!probe?.available) missing = `no ${engine} engine here: ${probe?.summary ?? "not built"}`;
      else lab = await open(engine);
    });
    after(() => lab?.close());
    const labTest = (name: string, body: () => Promise<void>) =>
      test(name, async (t) => {
        if (missing) return t.skip(missing);
        await body();
      });

    labTest("publishes and receives with MQTT.js, and the tap has the packets that prove it", async () => {
      const broker = await lab.broker({ conf: OPEN });
      const tap = await lab.tap(broker);
      const meter = await lab.client(tap, { clientId: "meter" });
      const dashboard = await lab.client(tap, { clientId: "dashboard" });
      await dashboard.mqtt.subscribeAsync("boiler/3/temp", { qos: 1 });
      await meter.mqtt.publishAsync("boiler/3/temp", "71.5", { qos: 1 });
      assert.equal((await dashboard.next()).text, "71.5");
      const puback = await tap.next((record) => record.packet.type === "PUBACK" && record.direction === "to-client");
      assert.equal(puback.clientId, "meter");
      const types = tap.packets.map((record) => record.packet.type);
      assert.deepEqual(types.slice(0, 2), ["CONNECT", "CONNACK"]);
      for (const view of [showPackets(tap.packets), showSequence(tap.packets)]) {
        assert.match(view.text, /PUBLISH/);
        assert.match(view.text, /boiler\/3\/temp/);
      }
    });

    labTest("replaces what has the same name, the clients on it first", async () => {
      const first = await lab.broker({ name: "twice", conf: OPEN });
      const client = await lab.client(first, { clientId: "on-twice" });
      const second = await lab.broker({ name: "twice", conf: OPEN });
      await client.closed;
      assert.equal(client.mqtt.connected, false);
      assert.equal(first.state, "exited");
      const again = await lab.client(second, { clientId: "on-twice" });
      assert.equal(again.mqtt.connected, true);
      const newer = await lab.client(second, { clientId: "on-twice" });
      await again.closed;
      assert.equal(newer.mqtt.connected, true);
    });

    labTest("walks hop by hop: a healthy broker, a frozen one, a dead one", async () => {
      const broker = await lab.broker({ name: "health", conf: OPEN });
      const well = await lab.health(broker);
      assert.equal(well.outcome, "accepted");
      assert.match(showHealth(well).text, /CONNACK/);
      await broker.pause();
      const frozen = await lab.health(broker);
      assert.notEqual(frozen.outcome, "accepted");
      await broker.resume();
      assert.equal((await lab.health(broker)).outcome, "accepted");
      await broker.kill();
      const dead = await lab.health(broker);
      assert.equal(dead.outcome, "unreachable");
      assert.equal(dead.hops[0]?.state, "failed");
    });

    labTest("runs the broker's own tools before and beside a broker", async () => {
      const made = await lab.tool("mosquitto_passwd", ["-c", "-b", "passwd", "anna", "kettle"], {
        collect: ["passwd"],
      });
      assert.match(made.files.passwd ?? "", /^anna:\$\d/);
      const broker = await lab.broker({
        name: "guarded",
        files: { passwd: made.files.passwd! },
        conf: "listener 1883\nallow_anonymous false\npassword_file /mosquitto/config/passwd\n",
      });
      await assert.rejects(lab.client(broker, { clientId: "stranger" }), isLabError("CONNECT_REFUSED", /0x87|0x05/));
      const anna = await lab.client(broker, { clientId: "anna", username: "anna", password: "kettle" });
      assert.equal(anna.mqtt.connected, true);
      await assert.rejects(
        lab.tool("mosquitto_passwd", ["-b", "nowhere/passwd", "a", "b"]),
        isLabError("TOOL_FAILED", /exit code/),
      );
      const asked = await broker.exec(
        "mosquitto_sub",
        "-u",
        "anna",
        "-P",
        "kettle",
        "-t",
        "$SYS/broker/version",
        "-C",
        "1",
      );
      assert.match(asked.stdout, /mosquitto version/);
    });

    labTest("reads, writes and reloads files; explains the log", async () => {
      const broker = await lab.broker({
        name: "files",
        conf: `${OPEN}acl_file /mosquitto/config/acl\n`,
        files: { acl: "topic read a\n" },
      });
      const client = await lab.client(broker, { clientId: "writer" });
      await assert.rejects(client.mqtt.publishAsync("a", "1", { qos: 1 }));
      await broker.files.write("acl", "topic readwrite a\n");
      await broker.reload();
      await broker.logs.until(/reload/i);
      await client.mqtt.publishAsync("a", "1", { qos: 1 });
      assert.equal(await broker.files.read("acl"), "topic readwrite a\n");
      assert.match(showLog(broker.logs).text, /running/);
    });

    labTest("a configuration's error is Mosquitto's own, in the learner's words", async () => {
      const error = await lab.broker({ name: "ill", conf: "listener 1883\nallow_anonymos true\n" }).then(
        () => assert.fail("Mosquitto took it"),
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof LabError);
      assert.equal(error.code, "BAD_CONFIG");
      assert.match(error.message, /allow_anonymos/);
      assert.match(error.message, /2/);
      assert.ok(error.hint.length > 10);
    });

    labTest("what a closed lab had is gone, and it opens nothing more", async () => {
      const closing = lab;
      const broker = await closing.broker({ conf: OPEN });
      const client = await closing.client(broker, { clientId: "last" });
      const { url } = broker;
      await closing.close();
      assert.equal(client.mqtt.connected, false);
      assert.equal(broker.state, "exited");
      await assert.rejects(closing.broker({ conf: OPEN }), isLabError("NOT_IN_A_LAB", /closed/));
      lab = await open(engine);
      await assert.rejects(
        lab.client(url, { clientId: "late", timeout: 1_500 }),
        isLabError("CONNECT_FAILED", /no CONNACK/),
      );
    });

    labTest("a new lab of this kernel closes the old one", async () => {
      const broker: Broker = await lab.broker({ name: "old", conf: OPEN });
      lab = await open(engine);
      assert.equal(broker.state, "exited");
    });
  });
}

function open(engine: EngineKind): Promise<Lab> {
  return openLab("lab-test", { engine });
}

function isLabError(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof LabError && error.code === code && message.test(error.message) && error.hint.length > 10;
}
