/** Mosquitto's programs beside an embedded broker: they wait, read standard input and end as they do anywhere. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EmbeddedBroker } from "kernel-helpers/dist/brokers/embedded/broker";
import { anonymous, notBuilt, TestLab } from "./lab";

/** Its log tells of every packet: tests wait for the one that they need. */
const CONF = anonymous("log_type all\n");

const beside = (name: string, run: (broker: EmbeddedBroker, lab: TestLab) => Promise<void>) =>
  test(name, { skip: notBuilt, timeout: 60_000 }, async (t) => {
    const lab = new TestLab(t);
    await run(await lab.broker(CONF), lab);
  });

beside("mosquitto_pub: a message, lines, standard input, a file", async (broker, lab) => {
  const reader = await lab.client(broker);
  await reader.mqtt.subscribeAsync("p/#", { qos: 2 });
  await broker.writeFile("/tmp/message", "from a file");
  const ways: [string[], string?][] = [
    [["-m", "one", "-q", "2"]],
    [["-l", "-q", "1"], "line 1\nline 2\nline 3"],
    [["-s"], "all of\nit"],
    [["-f", "/tmp/message"]],
    [["-n", "-r"]],
    [["-m", "thrice", "--repeat", "3"]],
  ];
  for (const [words, input] of ways) {
    const result = await broker.exec(["mosquitto_pub", "-t", "p/x", ...words], { input });
    assert.deepEqual([result.exitCode, result.stderr], [0, ""], words.join(" "));
  }
  const texts = (await reader.collected(10)).map((message) => message.text);
  const thrice = ["thrice", "thrice", "thrice"];
  assert.deepEqual(texts, ["one", "line 1", "line 2", "line 3", "all of\nit", "from a file", "", ...thrice]);
});

beside("mosquitto_sub waits for its messages, and ends by itself after its time", async (broker, lab) => {
  const waiting = broker.exec(["mosquitto_sub", "-t", "s/#", "-C", "2", "-F", "%t %q %p", "-q", "1", "-i", "waiting"]);
  await broker.log.until(/Sending SUBACK to waiting/);
  const writer = await lab.client(broker);
  await writer.mqtt.publishAsync("s/1", "x".repeat(100_000), { qos: 1 });
  await writer.mqtt.publishAsync("s/2", "é", { qos: 1 });
  const { stdout, exitCode } = await waiting;
  assert.equal(exitCode, 0);
  assert.equal(stdout, `s/1 1 ${"x".repeat(100_000)}\ns/2 1 é\n`);
  const late = await broker.exec(["mosquitto_sub", "-t", "nothing", "-W", "1"]);
  assert.deepEqual([late.exitCode, late.stderr], [27, "Timed out\n"]);
});

beside("mosquitto_rr asks and gets its answer", async (broker, lab) => {
  const server = await lab.client(broker);
  await server.mqtt.subscribeAsync("ask", { qos: 1 });
  server.mqtt.on("message", (_topic, payload, { properties }) => {
    void server.mqtt.publish(properties?.responseTopic ?? "", `answer to ${String(payload)}`);
  });
  const result = await broker.exec(["mosquitto_rr", "-V", "5", "-t", "ask", "-e", "answers", "-m", "why", "-W", "5"]);
  assert.deepEqual([result.exitCode, result.stdout.trim()], [0, "answer to why"]);
});

beside("a refused client says so, with Mosquitto's exit code", async (_broker, lab) => {
  const closed = await lab.broker({ name: "closed", conf: "listener 1883\nallow_anonymous false\n" });
  const result = await closed.exec(["mosquitto_pub", "-V", "5", "-t", "x", "-m", "y"]);
  assert.equal(result.exitCode, 135);
  assert.match(result.stderr, /Not authorized/);
  const nobody = await closed.exec(["mosquitto_pub", "-p", "1999", "-t", "x", "-m", "y"]);
  assert.notEqual(nobody.exitCode, 0);
});

beside("brokers of the lab are reached by name, others of the machine by address", async (broker, lab) => {
  const other = await lab.broker({ name: "other", conf: anonymous() });
  const sent = await broker.exec(["mosquitto_pub", "-h", "other", "-t", "n", "-m", "by name", "-r"]);
  assert.equal(sent.exitCode, 0, sent.stderr);
  const port = String(other.listeners[0]!.hostPort);
  const read = await broker.exec(["mosquitto_sub", "-h", "127.0.0.1", "-p", port, "-t", "n", "-C", "1"]);
  assert.equal(read.stdout, "by name\n");
  const unknown = await broker.exec(["mosquitto_pub", "-h", "nowhere.invalid", "-t", "n", "-m", "x"]);
  assert.notEqual(unknown.exitCode, 0);
});

beside("mosquitto_passwd asks twice and hashes; its file is read by the broker", async (broker) => {
  const path = "/mosquitto/config/passwd";
  const asked = await broker.exec(["mosquitto_passwd", "-c", path, "ann"], { input: "s3cret\ns3cret\n" });
  assert.equal(asked.exitCode, 0, asked.stderr);
  assert.match(new TextDecoder().decode(await broker.readFile(path)), /^ann:\$7\$1000\$/);
  const differ = await broker.exec(["mosquitto_passwd", path, "bob"], { input: "one\ntwo\n" });
  assert.notEqual(differ.exitCode, 0);
  const gone = await broker.exec(["mosquitto_passwd", "-D", path, "ann"]);
  assert.equal(gone.exitCode, 0, gone.stderr);
  assert.equal((await broker.exec(["cat", path])).stdout, "");
});

beside("mosquitto itself tests a configuration", async (broker) => {
  await broker.writeFile("/tmp/right.conf", "listener 1884\n");
  await broker.writeFile("/tmp/wrong.conf", "listner 1884\n");
  const right = await broker.exec(["mosquitto", "-c", "/tmp/right.conf", "--test-config"]);
  assert.deepEqual([right.exitCode, /Configuration file is OK/.test(right.stderr)], [0, true]);
  const wrong = await broker.exec(["mosquitto", "-c", "/tmp/wrong.conf", "--test-config"]);
  assert.deepEqual([wrong.exitCode, /Unknown configuration variable/.test(wrong.stderr)], [3, true]);
});

beside("a program without end, one that is given up, one that isn't there", async (broker) => {
  const endless = ["mosquitto_sub", "-t", "none"];
  await assert.rejects(broker.exec(endless, { timeout: 300 }), { code: "TIMEOUT" });
  const abort = new AbortController();
  const running = broker.exec(endless, { signal: abort.signal });
  await broker.log.until(/as auto-/);
  abort.abort(new Error("given up"));
  await assert.rejects(running, /given up/);
  await assert.rejects(broker.exec(["mosquitto_nothing"]), { code: "TOOL_FAILED" });
  await assert.rejects(broker.exec(["../../bin/sh"]), { code: "TOOL_FAILED" });
});

beside("cat and ls see the broker's files and nothing above them", async (broker) => {
  assert.equal((await broker.exec(["cat", "/mosquitto/config/mosquitto.conf"])).stdout, CONF);
  assert.equal((await broker.exec(["ls", "/"])).stdout, "mosquitto\ntmp\n");
  assert.match((await broker.exec(["ls", "-la", "/tmp"])).stdout, /^total 0\nd .* \.\nd .* \.\.\n$/);
  assert.match((await broker.exec(["ls", "-la", "/"])).stdout, /^total 0\n(d .*\n){4}$/);
  const above = await broker.exec(["cat", "/../../../../../etc/passwd"]);
  assert.deepEqual([above.exitCode, above.stderr], [1, "cat: /../../../../../etc/passwd: No such file or directory\n"]);
  await assert.rejects(broker.readFile("../../../../../../etc/hostname"), { code: "BAD_ARGUMENT" });
});
