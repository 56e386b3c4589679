/** Links and doors, on every engine alike: cut, silent, mended; names that lead to a port of this machine. */
import assert from "node:assert/strict";
import { connect, createServer, type Socket } from "node:net";
import type { EngineBroker } from "kernel-helpers/dist/brokers/engine";
import { openScope } from "kernel-helpers/dist/kernel/watch";
import type { MqttClient } from "mqtt";
import type { Bench, Check } from "./engine-suite";

const OPEN = "listener 1883\nallow_anonymous true\nlog_type all\n";

/** Keep alive at its least, so that a bridge notices soon; one remembered id each. */
const bridge = (to: string, id: string, topics = "topic # out 1") =>
  `connection to-${to.split(":")[0]}\naddress ${to}\nremote_clientid ${id}\nrestart_timeout 1 1\nkeepalive_interval 5\ncleansession false\n${topics}\n`;

export function linkSuite(check: Check): void {
  check("a link is cut and mended: silence, clients stay, nothing is lost, in order", async (_t, bench) => {
    const hub = await bench.start({ name: "hub", conf: OPEN });
    const leaf = await bench.start({ name: "leaf", conf: OPEN + bridge(hub.addressFor(1883), "leaf") });
    const heard = await Heard.open(bench, hub);
    const sender = await bench.client(leaf);
    await sender.publishAsync("a", "before", { qos: 1 });
    await heard.until("before");
    const link = await bench.engine.link(leaf, hub);
    assert.equal(link.state, "up");
    await link.cut();
    await link.cut();
    assert.equal(link.state, "cut");
    const after = hub.log.lines.length;
    for (let i = 0; i < 20; i++) await sender.publishAsync("a", `${i}`, { qos: 1 });
    // Each side notices at its keep alive; until then neither has heard of an end.
    await leaf.log.until(/Client local\.leaf .*(disconnected|closed)|Bridge .* (exceeded|timeout)|Connecting bridge/, {
      after: leaf.log.lines.length,
      timeout: 30_000,
    });
    assert.deepEqual(new Set(heard.texts), new Set(["before"]));
    const onHub = hub.log.lines.slice(after).filter((line) => /as leaf|Client leaf /.test(line.text));
    const noticed = onHub.filter((line) => !/exceeded timeout/.test(line.text));
    assert.deepEqual(noticed, [], "the hub hears neither of an end nor of a beginning");
    assert.ok(heard.client.connected && sender.connected, "clients stay");
    await link.mend();
    await link.mend();
    assert.equal(link.state, "up");
    await heard.until("19");
    // QoS 1 is at least once: what was delivered and its PUBACK cut off comes again (MQTT 5.0, 4.3.2).
    const firsts = [...new Set(heard.texts)];
    assert.deepEqual(firsts, ["before", ...Array.from({ length: 20 }, (_, i) => `${i}`)], "none lost, in order");
  });

  check("a cut holds in the other direction as well, and for what is connected anew", async (_t, bench) => {
    const hub = await bench.start({ name: "hub", conf: OPEN });
    const conf = OPEN + bridge(hub.addressFor(1883), "leaf", "topic # in 1");
    const leaf = await bench.start({ name: "leaf", conf });
    // Connected is not subscribed: what comes in between is nobody's.
    await hub.log.until(/Sending SUBACK to leaf/);
    const heard = await Heard.open(bench, leaf);
    const sender = await bench.client(hub);
    await sender.publishAsync("a", "before", { qos: 1 });
    await heard.until("before");
    const link = await bench.engine.link(hub, leaf);
    await link.cut();
    const after = hub.log.lines.length;
    // A leaf that starts while the link is cut finds nobody.
    await leaf.stop();
    await sender.publishAsync("a", "meanwhile", { qos: 1 });
    await leaf.start();
    const again = await Heard.open(bench, leaf);
    await leaf.log.until(/Connecting bridge/, { after: leaf.log.lines.length - 30, timeout: 20_000 });
    await again.client.publishAsync("sync", "1", { qos: 1 });
    assert.deepEqual(
      again.texts.filter((text) => text !== "1"),
      [],
    );
    assert.deepEqual(
      hub.log.lines.slice(after).filter((line) => /as leaf/.test(line.text)),
      [],
    );
    await link.mend();
    await again.until("meanwhile");
  });

  check("a third broker keeps its bridge to both sides of a cut; two cuts leave two parts", async (_t, bench) => {
    const hub = await bench.start({ name: "hub", conf: OPEN });
    const start = (name: string) => bench.start({ name, conf: OPEN + bridge(hub.addressFor(1883), name) });
    const [east, west] = [await start("east"), await start("west")];
    const heard = await Heard.open(bench, hub);
    const [fromEast, fromWest] = [await bench.client(east), await bench.client(west)];
    const first = await bench.engine.link(east, hub);
    await first.cut();
    await fromEast.publishAsync("a", "east 1", { qos: 1 });
    await fromWest.publishAsync("a", "west 1", { qos: 1 });
    await heard.until("west 1");
    const second = await bench.engine.link(hub, west);
    await second.cut();
    await fromWest.publishAsync("a", "west 2", { qos: 1 });
    await first.mend();
    assert.deepEqual([first.state, second.state], ["up", "cut"]);
    await heard.until("east 1");
    assert.equal(heard.texts.includes("west 2"), false);
    await second.mend();
    await heard.until("west 2");
  });

  check("a link is between two brokers of one lab, and ends with them", async (t, bench) => {
    const other = await openScope("engine-suite");
    t.after(() => other.close());
    const [a, b] = [await bench.start({ name: "a", conf: OPEN }), await bench.start({ name: "b", conf: OPEN })];
    await assert.rejects(bench.engine.link(a, a), { code: "BAD_ARGUMENT" });
    const link = await bench.engine.link(a, b);
    await link.cut();
    await b.remove();
    await assert.rejects(link.mend(), { code: "NOT_IN_A_LAB" });
    // A successor of the same name is not cut off.
    const again = await bench.start({ name: "b", conf: OPEN + bridge(a.addressFor(1883), "b") });
    await a.log.until(/as b/, { timeout: 20_000 });
    assert.equal((await bench.engine.link(a, again)).state, "up");
  });

  check("a door leads brokers to a port of this machine, by name", async (t, bench) => {
    const hub = await bench.start({ name: "hub", conf: OPEN });
    const { host, hostPort: port } = hub.listeners[0]!;
    let passed = 0;
    const pairs: Socket[] = [];
    const server = createServer({ allowHalfOpen: true }, (near) => {
      const far = connect({ host, port, allowHalfOpen: true });
      pairs.push(near, far);
      for (const socket of [near, far]) socket.on("error", () => {});
      near.on("data", (chunk: Buffer) => (passed += chunk.length));
      near.pipe(far).pipe(near);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      server.close();
      for (const socket of pairs) socket.destroy();
    });
    const target = { host: "127.0.0.1", port: (server.address() as { port: number }).port };
    const plan = { lab: "engine-suite", name: "hub-tap", port: 1883, target, behind: hub };
    const door = await bench.engine.door(plan, bench.scope);
    assert.equal(door.address, "hub-tap:1883");
    const leaf = await bench.start({ name: "leaf", conf: OPEN + bridge(door.address, "leaf") });
    await leaf.log.until(/hub-tap:1883/);
    // What comes before the bridge stands may be sent behind what comes after it.
    await leaf.log.until(/Received CONNACK on connection local\.leaf/);
    const heard = await Heard.open(bench, hub);
    const sender = await bench.client(leaf);
    const big = "x".repeat(1_000_000);
    await sender.publishAsync("a", big, { qos: 1 });
    await sender.publishAsync("a", "through the door", { qos: 1 });
    await heard.until("through the door");
    assert.ok(passed > big.length, `${passed} bytes went through the door`);
    assert.ok(heard.texts[0] === big, `${heard.texts[0]?.length} characters came first`);
    // Whoever is cut from the broker is cut from its door.
    const link = await bench.engine.link(leaf, hub);
    await link.cut();
    await sender.publishAsync("a", "while cut", { qos: 1 });
    await (await bench.client(hub)).publishAsync("a", "on the hub", { qos: 1 });
    await heard.until("on the hub");
    assert.equal(heard.texts.includes("while cut"), false);
    await link.mend();
    await heard.until("while cut");
    await door.remove();
    await door.remove();
  });
}

/** A subscriber to everything, and what it has heard. */
class Heard {
  readonly texts: string[] = [];
  readonly client: MqttClient;
  #wake = () => {};

  private constructor(client: MqttClient) {
    this.client = client;
    client.on("message", (_topic, payload) => {
      this.texts.push(payload.toString());
      this.#wake();
    });
  }

  static async open(bench: Bench, broker: EngineBroker): Promise<Heard> {
    const heard = new Heard(await bench.client(broker));
    await heard.client.subscribeAsync("#", { qos: 1 });
    return heard;
  }

  async until(text: string): Promise<void> {
    while (!this.texts.includes(text)) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}
