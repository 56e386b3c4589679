import assert from "node:assert/strict";
import { createHash, pbkdf2Sync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { LabError } from "kernel-helpers/dist/core/errors";
import { websocketFaults } from "../mqtt/websocket-faults";
import { anonymous, notBuilt, TestLab } from "./lab";

const feature = (name: string, run: (lab: TestLab) => Promise<void>) =>
  test(name, { skip: notBuilt, timeout: 30_000 }, (t) => run(new TestLab(t)));

feature("three protocol versions, three qualities of service", async (lab) => {
  const broker = await lab.broker(anonymous());
  for (const protocolVersion of [3, 4, 5] as const) {
    for (const qos of [0, 1, 2] as const) {
      const protocolId = protocolVersion === 3 ? "MQIsdp" : "MQTT";
      const client = await lab.client(broker, { protocolVersion, protocolId, clientId: `c${protocolVersion}${qos}` });
      await client.mqtt.subscribeAsync(`t/${protocolVersion}`, { qos });
      await client.mqtt.publishAsync(`t/${protocolVersion}`, "x".repeat(300), { qos });
      const [message] = await client.collected(1);
      assert.deepEqual([message?.text.length, message?.qos], [300, qos]);
      await client.mqtt.endAsync();
    }
  }
});

feature("retained messages and retain handling", async (lab) => {
  const broker = await lab.broker(anonymous());
  const writer = await lab.client(broker);
  await writer.mqtt.publishAsync("r/1", "kept", { retain: true, qos: 1 });
  const late = await lab.client(broker);
  await late.mqtt.subscribeAsync("r/#", { qos: 1 });
  assert.equal((await late.collected(1))[0]?.retain, true);
  const never = await lab.client(broker);
  await never.mqtt.subscribeAsync("r/#", { qos: 1, rh: 2 });
  // What follows on the same subscription shows that nothing came before it.
  await writer.mqtt.publishAsync("r/2", "fresh", { qos: 1 });
  assert.equal((await never.collected(1))[0]?.text, "fresh");
});

feature("wills, at once and delayed", async (lab) => {
  const broker = await lab.broker(anonymous());
  const watcher = await lab.client(broker);
  await watcher.mqtt.subscribeAsync("w/#");
  const now = await lab.client(broker, {
    will: { topic: "w/now", payload: Buffer.from("died"), qos: 1, retain: false },
  });
  now.mqtt.stream.destroy();
  assert.equal((await watcher.collected(1))[0]?.text, "died");
  const began = Date.now();
  const later = await lab.client(broker, {
    clientId: "later",
    clean: false,
    properties: { sessionExpiryInterval: 10 },
    will: {
      topic: "w/later",
      payload: Buffer.from("late"),
      qos: 0,
      retain: false,
      properties: { willDelayInterval: 2 },
    },
  });
  later.mqtt.stream.destroy();
  assert.equal((await watcher.collected(2))[1]?.text, "late");
  assert.ok(Date.now() - began >= 1_000, "the will came without its delay");
});

feature("a session that stays, and one that expires", async (lab) => {
  const broker = await lab.broker(anonymous());
  const options = { clientId: "s", clean: false, properties: { sessionExpiryInterval: 1 } };
  const first = await lab.client(broker, options);
  await first.mqtt.subscribeAsync("s/#", { qos: 1 });
  await first.mqtt.endAsync();
  const writer = await lab.client(broker);
  await writer.mqtt.publishAsync("s/1", "queued", { qos: 1 });
  const again = await lab.client(broker, options);
  assert.equal((await again.collected(1))[0]?.text, "queued");
  await again.mqtt.endAsync();
  await broker.log.until(/Expiring client s due to timeout|Expiring client s/, { timeout: 10_000 });
  const expired = await lab.client(broker, options);
  await writer.mqtt.publishAsync("s/1", "gone", { qos: 1 });
  await expired.mqtt.subscribeAsync("other", { qos: 1 });
  await writer.mqtt.publishAsync("other", "seen", { qos: 1 });
  assert.equal((await expired.collected(1))[0]?.text, "seen");
});

feature("shared subscriptions take turns", async (lab) => {
  const broker = await lab.broker(anonymous());
  const members = await Promise.all([0, 1, 2].map(() => lab.client(broker)));
  for (const member of members) await member.mqtt.subscribeAsync("$share/g/j/#", { qos: 1 });
  const writer = await lab.client(broker);
  for (let i = 0; i < 30; i++) await writer.mqtt.publishAsync("j/x", "m", { qos: 1 });
  await Promise.all(members.map((member) => member.collected(10)));
  assert.deepEqual(
    members.map((member) => member.messages.length),
    [10, 10, 10],
  );
});

feature("properties of MQTT 5 pass through", async (lab) => {
  const broker = await lab.broker(anonymous());
  const client = await lab.client(broker, { properties: { topicAliasMaximum: 5 } });
  const userProperties = { s: "1" };
  await client.mqtt.subscribeAsync("p/#", { qos: 1, properties: { subscriptionIdentifier: 7, userProperties } });
  const properties = {
    userProperties: { a: ["1", "2"], b: "3" },
    messageExpiryInterval: 60,
    contentType: "text/plain",
    correlationData: Buffer.from("cd"),
    responseTopic: "re/x",
    payloadFormatIndicator: true,
  };
  for (let i = 0; i < 2; i++) await client.mqtt.publishAsync("p/long/topic/name", `m${i}`, { qos: 1, properties });
  const [, second] = await client.collected(2);
  const got = second?.properties;
  assert.deepEqual(
    [second?.topic, got?.userProperties?.a, got?.contentType, String(got?.correlationData), got?.responseTopic],
    ["p/long/topic/name", ["1", "2"], "text/plain", "cd", "re/x"],
  );
  assert.equal(got?.subscriptionIdentifier, 7);
});

feature("$SYS tells the version that the handle tells", async (lab) => {
  const broker = await lab.broker(anonymous("sys_interval 1\n"));
  const client = await lab.client(broker);
  await client.mqtt.subscribeAsync("$SYS/broker/version");
  assert.equal((await client.collected(1))[0]?.text, `mosquitto version ${broker.version}`);
});

/** Entries as Mosquitto writes them, by another implementation of the same hashes. */
const entry7 = (user: string, password: string) => {
  const salt = randomBytes(64);
  const hash = pbkdf2Sync(password, salt, 1000, 64, "sha512");
  return `${user}:$7$1000$${salt.toString("base64")}$${hash.toString("base64")}\n`;
};
const entry6 = (user: string, password: string) => {
  const salt = randomBytes(12);
  const hash = createHash("sha512").update(password).update(salt).digest("base64");
  return `${user}:$6$${salt.toString("base64")}$${hash}\n`;
};

feature("passwords of both hashes, access control, and a reload of both files", async (lab) => {
  const broker = await lab.broker({
    conf: "listener 1883\npassword_file /mosquitto/config/passwd\nacl_file /mosquitto/config/acl\nlog_type all\n",
    files: {
      passwd: entry7("ann", "s3cret") + entry6("bob", "builder") + entry7("long", "p".repeat(200)),
      acl: "user ann\ntopic readwrite a/#\ntopic deny a/secret\npattern read c/%u/#\n",
    },
  });
  const outcome = async (username?: string, password?: string) => {
    try {
      const client = await lab.client(broker, { username, password });
      await client.mqtt.endAsync();
      return "in";
    } catch (error) {
      return (error as { code?: number }).code;
    }
  };
  assert.equal(await outcome(), 135);
  assert.equal(await outcome("ann", "wrong"), 135);
  assert.equal(await outcome("eve", "x"), 135);
  assert.equal(await outcome("bob", "builder"), "in");
  assert.equal(await outcome("long", "p".repeat(200)), "in");
  const ann = await lab.client(broker, { username: "ann", password: "s3cret" });
  await ann.mqtt.subscribeAsync("a/#", { qos: 1 });
  await ann.mqtt.publishAsync("a/open", "1", { qos: 1 });
  await assert.rejects(ann.mqtt.publishAsync("a/secret", "1", { qos: 1 }), { code: 135 });
  await assert.rejects(ann.mqtt.publishAsync("z", "1", { qos: 1 }), { code: 135 });

  const made = await broker.exec(["mosquitto_passwd", "-b", "/mosquitto/config/passwd", "eve", "apple"]);
  assert.equal(made.exitCode, 0, made.stderr);
  await broker.writeFile("/mosquitto/config/acl", "pattern readwrite #\n");
  await broker.signal("SIGHUP");
  assert.equal(await outcome("eve", "apple"), "in");
  await ann.mqtt.publishAsync("a/secret", "now", { qos: 1 });
  assert.deepEqual(
    (await ann.collected(2)).map((message) => message.text),
    ["1", "now"],
  );
});

feature("what was stored survives a stop; what was not saved does not survive a kill", async (lab) => {
  const conf = anonymous("persistence true\npersistence_location /mosquitto/data/\n");
  const broker = await lab.broker(conf);
  const keep = async (topic: string) => {
    const writer = await lab.client(broker);
    await writer.mqtt.publishAsync(topic, "kept", { retain: true, qos: 1 });
    await writer.mqtt.endAsync();
  };
  const retained = async () => {
    const reader = await lab.client(broker);
    await reader.mqtt.subscribeAsync("k/#", { qos: 1 });
    await reader.mqtt.publishAsync("k/last", "end", { qos: 1 });
    for (let count = 1; ; count++) if ((await reader.collected(count)).at(-1)?.topic === "k/last") break;
    await reader.mqtt.endAsync();
    return reader.messages.filter((message) => message.retain).map((message) => message.topic);
  };
  await keep("k/stopped");
  assert.deepEqual(await broker.stop(), { code: 0, signal: null });
  await broker.start();
  assert.deepEqual(await retained(), ["k/stopped"]);
  await keep("k/saved");
  await broker.signal("SIGUSR1");
  await keep("k/lost");
  assert.deepEqual(await broker.kill(), { code: null, signal: "SIGKILL" });
  await broker.start();
  assert.deepEqual((await retained()).sort(), ["k/saved", "k/stopped"]);
});

feature("a named volume outlives its broker", async (lab) => {
  const spec = {
    volume: "embedded-test",
    conf: anonymous("persistence true\npersistence_location /mosquitto/data/\n"),
  };
  lab.scope.add("volume", () => lab.engine.removeVolume("lab", "embedded-test"));
  const first = await lab.broker(spec);
  const writer = await lab.client(first);
  await writer.mqtt.publishAsync("v", "1", { retain: true, qos: 1 });
  await first.stop();
  await first.remove();
  const second = await lab.broker(spec);
  const reader = await lab.client(second);
  await reader.mqtt.subscribeAsync("v");
  assert.equal((await reader.collected(1))[0]?.text, "1");
});

feature("WebSockets carry large messages", async (lab) => {
  const broker = await lab.broker(anonymous("listener 9001\nprotocol websockets\n"));
  const client = await lab.client(broker, {}, 1);
  await client.mqtt.subscribeAsync("w");
  await client.mqtt.publishAsync("w", "y".repeat(70_000), { qos: 1 });
  assert.equal((await client.collected(1))[0]?.text.length, 70_000);
});

feature("faults meet packets within WebSocket frames", async (lab) => {
  const broker = await lab.broker(anonymous("listener 9001\nprotocol websockets\n"));
  await websocketFaults(broker.listeners[1]!.url);
});

feature("a slow reader gets twenty megabytes in the end", async (lab) => {
  const broker = await lab.broker(anonymous());
  const slow = await lab.client(broker);
  await slow.mqtt.subscribeAsync("big", { qos: 1 });
  slow.mqtt.stream.pause();
  const writer = await lab.client(broker);
  for (let i = 0; i < 20; i++) await writer.mqtt.publishAsync("big", Buffer.alloc(1 << 20, i), { qos: 1 });
  slow.mqtt.stream.resume();
  const all = await slow.collected(20, 20_000);
  assert.ok(all.every((message) => message.text.length === 1 << 20));
});

feature("a bridge finds its hub by name, in both directions, and again after the hub's restart", async (lab) => {
  const hub = await lab.broker({ name: "hub", conf: anonymous() });
  const leaf = await lab.broker({
    name: "leaf",
    conf: anonymous(
      `connection up\naddress ${hub.addressFor(1883)}\ntopic up/# out 1\ntopic down/# in 1\nbridge_protocol_version mqttv50\nrestart_timeout 1 1\nremote_clientid leaf\n`,
    ),
  });
  const [atHub, atLeaf] = [await lab.client(hub), await lab.client(leaf)];
  await hub.log.until(/as leaf/);
  await atHub.mqtt.subscribeAsync("up/#", { qos: 1 });
  await atLeaf.mqtt.subscribeAsync("down/#", { qos: 1 });
  await atLeaf.mqtt.publishAsync("up/1", "U", { qos: 1 });
  assert.equal((await atHub.collected(1))[0]?.text, "U");
  await atHub.mqtt.publishAsync("down/1", "D", { qos: 1 });
  assert.equal((await atLeaf.collected(1))[0]?.text, "D");
  const after = hub.log.lines.length;
  await hub.stop();
  await hub.start();
  await hub.log.until(/as leaf/, { after, timeout: 10_000 });
  const fresh = await lab.client(hub);
  await fresh.mqtt.subscribeAsync("up/#", { qos: 1 });
  await atLeaf.mqtt.publishAsync("up/2", "again", { qos: 1 });
  assert.equal((await fresh.collected(1))[0]?.text, "again");
});

feature("keep-alive, takeover", async (lab) => {
  const broker = await lab.broker(anonymous());
  const { host, hostPort } = broker.listeners[0]!;
  const silent = connect(hostPort, host);
  // CONNECT with a keep-alive of one second, and nothing after it.
  silent.write(Buffer.from([0x10, 16, 0, 4, 77, 81, 84, 84, 4, 2, 0, 1, 0, 4, 107, 97, 108, 105]));
  silent.resume();
  await once(silent, "close");
  await broker.log.until(/kali .*exceeded timeout/);
  const first = await lab.client(broker, { clientId: "same" });
  const told = new Promise<number | undefined>((resolve) => {
    first.mqtt.once("disconnect", (packet) => resolve(packet.reasonCode));
  });
  await lab.client(broker, { clientId: "same" });
  assert.equal(await told, 0x8e);
});

feature("a paused broker keeps its connections and answers nothing until it goes on", async (lab) => {
  const broker = await lab.broker(anonymous());
  const client = await lab.client(broker);
  await broker.pause();
  assert.equal(broker.state, "paused");
  let answered = false;
  const published = client.mqtt.publishAsync("p", "1", { qos: 1 }).then(() => {
    answered = true;
  });
  const newcomer = connect(broker.listeners[0]!.hostPort, "127.0.0.1");
  await once(newcomer, "connect");
  let heard = false;
  newcomer.on("data", () => {
    heard = true;
  });
  newcomer.write(Buffer.from([0x10, 13, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 1, 120]));
  // Another broker's whole life passes meanwhile.
  const other = await lab.broker({ name: "other", conf: anonymous() });
  await (await lab.client(other)).mqtt.publishAsync("x", "y", { qos: 2 });
  assert.deepEqual([answered, heard, client.mqtt.connected], [false, false, true]);
  const greeting = once(newcomer, "data");
  await broker.resume();
  await Promise.all([published, greeting]);
  newcomer.destroy();
});

feature("dynamic security: the plugin and mosquitto_ctrl", async (lab) => {
  const admin = "a-long-password";
  const init = await lab.engine.tool(
    {
      lab: "lab",
      mosquitto: "2.1",
      command: ["mosquitto_ctrl", "dynsec", "init", "dynsec.json", "admin", admin],
      files: [],
      collect: ["/mosquitto/config/dynsec.json"],
    },
    lab.scope,
  );
  assert.equal(init.exitCode, 0, init.stderr);
  const config = init.files.get("/mosquitto/config/dynsec.json");
  assert.ok(config);
  const broker = await lab.broker({
    conf: "listener 1883\nallow_anonymous false\nplugin /usr/lib/mosquitto_dynamic_security.so\nplugin_opt_config_file /mosquitto/config/dynsec.json\n",
    files: { "dynsec.json": config },
  });
  const ctrl = (...words: string[]) =>
    broker.exec(["mosquitto_ctrl", "-u", "admin", "-P", admin, "dynsec", ...words]).then((result) => {
      assert.equal(result.exitCode, 0, `${words.join(" ")}: ${result.stderr}`);
      return result.stdout;
    });
  await ctrl("createRole", "sensor");
  await ctrl("addRoleACL", "sensor", "publishClientSend", "site/#", "allow", "5");
  await ctrl("createClient", "u1", "-p", "pw1");
  await ctrl("addClientRole", "u1", "sensor", "1");
  assert.match(await ctrl("getClient", "u1"), /sensor/);
  const device = await lab.client(broker, { username: "u1", password: "pw1" });
  await device.mqtt.publishAsync("site/temp", "1", { qos: 1 });
  await assert.rejects(device.mqtt.publishAsync("elsewhere", "1", { qos: 1 }), { code: 135 });
});

feature("a wrong line ends with Mosquitto's words and its exit code", async (lab) => {
  await assert.rejects(lab.broker(anonymous("nonsense 1\n")), (error: LabError) => {
    assert.equal(error.code, "BAD_CONFIG");
    assert.match(error.message, /nonsense/);
    return true;
  });
  const wrong = await lab.broker({ conf: anonymous("nonsense 1\n"), ready: "running" });
  assert.deepEqual(await wrong.exited(), { code: 3, signal: null });
  const native = await lab
    .broker({ name: "plugin", conf: anonymous("plugin /usr/lib/other.so\n"), ready: "running" })
    .catch((error: LabError) => error);
  assert.ok(native instanceof LabError && native.code === "ENGINE_CANNOT");
});

feature(
  "a listener on the broker's own loopback is out of reach from outside, and in reach from beside it",
  async (lab) => {
    const broker = await lab.broker({});
    await assert.rejects(lab.client(broker));
    const inside = await broker.exec(["mosquitto_sub", "-t", "$SYS/broker/version", "-C", "1"]);
    assert.equal(inside.stdout.trim(), `mosquitto version ${broker.version}`);
  },
);
