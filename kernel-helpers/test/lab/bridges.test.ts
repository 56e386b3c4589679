import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { engines, type Lab, openLab, showLogs, showTopology, until } from "kernel-helpers";
import { redraw } from "kernel-helpers/dist/views/draw";

const OPEN = "listener 1883\nallow_anonymous true\n";

/** Bridges as a cell sees them, on every engine of this machine. */
for (const engine of ["docker", "embedded", "local"] as const) {
  describe(`bridges on ${engine}`, () => {
    let lab: Lab;
    let missing = "";
    before(async () => {
      const probe = (await engines()).find((one) => one.kind === engine);
      if (!probe?.available) missing = `no ${engine} engine here: ${probe?.summary ?? "not built"}`;
      else lab = await openLab("bridges-test", { engine });
    });
    after(() => lab?.close());
    const labTest = (name: string, body: () => Promise<void>) =>
      test(name, { timeout: 120_000 }, async (t) => {
        if (missing) return t.skip(missing);
        await body();
      });
    const bridge = (address: string, more: string) =>
      `${OPEN}connection up\naddress ${address}\nremote_clientid site-7\nrestart_timeout 1 3\n${more}`;

    labTest("a tap on a bridge shows its CONNECT, its SUBSCRIBE options and its PUBLISH flags", async () => {
      const hub = await lab.broker({ name: "hub", conf: OPEN });
      const tap = await lab.tap(hub, { bridges: true });
      const conf = bridge(tap.addressFor("leaf"), 'topic # both 1 "" site/7/\n');
      const leaf = await lab.broker({ name: "leaf", conf });
      const connect = await tap.next({ type: "CONNECT", clientId: "site-7" }, { timeout: 15_000 });
      assert.equal(connect.packet.bridgeMode, true);
      assert.equal(connect.bytes[8], 0x84, "protocol level 4 with the bridge bit");
      const subscribe = await tap.next("SUBSCRIBE");
      // In 3.1.1 the bit says it all; a bridge of version 5 has no such bit, and says it in its subscription.
      assert.deepEqual(subscribe.packet.subscriptions, [{ topicFilter: "site/7/#", qos: 1 }]);
      await tap.next("SUBACK");
      const meter = await lab.client(leaf, { clientId: "meter" });
      await meter.mqtt.publishAsync("temp", "21", { qos: 1, retain: true });
      const sent = await tap.next((one) => one.packet.topicName === "site/7/temp");
      assert.equal(sent.direction, "to-broker");
      assert.deepEqual([sent.packet.qos, sent.packet.retain, sent.packet.dup], [1, true, false]);
      // A client would get a live message without RETAIN; and nothing that a bridge sent comes back to it.
      const desk = await lab.client(hub, { clientId: "desk" });
      await desk.mqtt.publishAsync("site/7/valve", "open", { qos: 1, retain: true });
      const down = await tap.next((one) => one.packet.topicName === "site/7/valve");
      assert.deepEqual([down.direction, down.packet.retain], ["to-client", true]);
      assert.equal(tap.select((one) => one.packet.topicName === "site/7/temp").length, 1);
    });

    labTest("a bridge of version 5 says in its subscription what the bit says", async () => {
      const hub = await lab.broker({ name: "hub", conf: OPEN });
      const tap = await lab.tap(hub, { bridges: true });
      const topics = 'topic # both 1 "" site/7/\nbridge_protocol_version mqttv50\n';
      await lab.broker({ name: "leaf", conf: bridge(tap.addressFor("leaf"), topics) });
      const connect = await tap.next("CONNECT", { timeout: 15_000 });
      assert.deepEqual([connect.bytes[8], connect.packet.bridgeMode ?? false], [5, false]);
      const { packet } = await tap.next("SUBSCRIBE");
      const [one] = packet.subscriptions ?? [];
      assert.deepEqual([one?.topicFilter, one?.noLocal, one?.retainAsPublished], ["site/7/#", true, true]);
    });

    labTest("without its bit a bridge is a client, and gets its own messages back", async () => {
      const hub = await lab.broker({ name: "hub", conf: OPEN });
      const tap = await lab.tap(hub, { bridges: true });
      const conf = bridge(tap.addressFor("leaf"), "topic # both 1\ntry_private false\n");
      await lab.broker({ name: "leaf", conf });
      const connect = await tap.next("CONNECT", { timeout: 15_000 });
      assert.equal(connect.packet.bridgeMode ?? false, false);
      const { packet } = await tap.next("SUBSCRIBE");
      assert.equal(packet.subscriptions?.[0]?.noLocal ?? false, false);
    });

    labTest("a loop between two brokers ends at a count", async () => {
      const hub = await lab.broker({ name: "hub", conf: OPEN });
      const tap = await lab.tap(hub, { bridges: true, most: 200 });
      const there = bridge(tap.addressFor("leaf"), "topic # out 1\n");
      const back = `connection back\naddress ${tap.addressFor("leaf")}\nremote_clientid back\ntopic # in 1\n`;
      const leaf = await lab.broker({ name: "leaf", conf: there + back });
      await tap.next("SUBACK", { timeout: 15_000 });
      const meter = await lab.client(leaf, { clientId: "meter" });
      await meter.mqtt.publishAsync("temp", "21", { qos: 1 });
      await until("the tap has stopped the loop", () => tap.events.some((one) => /frozen/.test(one.text)), {
        timeout: 20_000,
      });
      const went = tap.packets.filter((one) => one.packet.topicName === "temp").length;
      assert.ok(went > 20 && went <= 200, `${went} copies`);
    });

    labTest("the topology tells what runs, through a tap as well, and what has gone", async () => {
      const hub = await lab.broker({ name: "hub", conf: OPEN });
      const tap = await lab.tap(hub, { bridges: true });
      const leaf = await lab.broker({ name: "leaf", conf: bridge(tap.addressFor("leaf"), "topic a/# out 1\n") });
      await hub.logs.until(/as site-7/, { timeout: 15_000 });
      const meter = await lab.client(leaf, { clientId: "meter" });
      const watcher = await lab.client(hub, { clientId: "watcher" });
      await watcher.mqtt.subscribeAsync("$SYS/broker/connection/site-7/state");
      await watcher.next((one) => one.text === "1");
      const up = await lab.topology();
      assert.deepEqual(
        up.nodes.map(({ id, kind, state }) => [id, kind, state]),
        [
          ["hub", "broker", "up"],
          ["leaf", "broker", "up"],
          ["client meter", "client", "up"],
          ["client watcher", "client", "up"],
        ],
      );
      assert.deepEqual(up.edges, [
        { from: "leaf", to: "hub", kind: "bridge", state: "up", label: "a/# out 1" },
        { from: "client meter", to: "leaf", state: "up" },
        { from: "client watcher", to: "hub", state: "up" },
      ]);
      const seen = showTopology(up).text;
      assert.match(seen, /leaf ═+ hub {2}bridge, up, a\/# out 1/);
      await hub.kill();
      await leaf.logs.until(/Client local\.site-7 .*(disconnect|closed)|Bridge.*backoff|Connecting bridge/, {
        after: leaf.logs.lines.length,
      });
      await meter.mqtt.subscribeAsync("$SYS/broker/connection/site-7/state");
      await meter.next((one) => one.text === "0");
      const down = await lab.topology();
      assert.deepEqual(
        down.edges.map(({ state }) => state),
        ["down", "up", "down"],
      );
      const logs = showLogs({ hub, leaf }, { only: /bridge|Bridge|version/ });
      assert.match(logs.text, /hub .*New bridge connected/);
      assert.match(logs.text, /leaf .*Connecting bridge/);
      assert.doesNotMatch(logs.text, /mqtt-notebooks-probe/);
      assert.equal(redraw(logs)?.text, logs.text);
    });

    labTest("a broker's configuration names a port of this machine through a door", async () => {
      const hub = await lab.broker({ name: "hub", conf: OPEN });
      const { port } = new URL(hub.url);
      const door = await lab.door("elsewhere", Number(port));
      assert.equal(door.address, `elsewhere:${port}`);
      await lab.broker({ name: "leaf", conf: bridge(door.address, "topic # out 1\n") });
      await hub.logs.until(/as site-7/, { timeout: 15_000 });
      await assert.rejects(lab.tap(hub.url, { bridges: true } as never), { code: "BAD_ARGUMENT" });
    });
  });
}
