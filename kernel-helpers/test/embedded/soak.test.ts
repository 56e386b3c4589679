/** Long use: many starts and ends, many connections and messages, in bounded memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { anonymous, notBuilt, TestLab } from "./lab";

const MIB = 1 << 20;
const resident = () => process.memoryUsage().rss / MIB;

test("500 starts, each ended by a stop, a kill or a removal", { skip: notBuilt, timeout: 300_000 }, async (t) => {
  const lab = new TestLab(t);
  const conf = anonymous("persistence true\npersistence_location /mosquitto/data/\n");
  let after100 = 0;
  for (let round = 1; round <= 250; round++) {
    const broker = await lab.broker(conf);
    if (round % 2) assert.deepEqual(await broker.stop(), { code: 0, signal: null });
    else assert.deepEqual(await broker.kill(), { code: null, signal: "SIGKILL" });
    await broker.start();
    await broker.remove();
    if (round === 50) after100 = resident();
  }
  const grown = resident() - after100;
  t.diagnostic(`${after100.toFixed(0)} MiB after 100 starts, ${grown.toFixed(0)} MiB more after 500`);
  assert.ok(grown < 100, `memory grew by ${grown.toFixed(0)} MiB over 400 starts`);
});

test("200 connections and 100,000 messages at QoS 1, none lost", { skip: notBuilt, timeout: 300_000 }, async (t) => {
  const lab = new TestLab(t);
  const broker = await lab.broker(anonymous("max_inflight_messages 0\nmax_queued_messages 0\nlog_type error\n"));
  const pairs = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      const reader = await lab.client(broker);
      await reader.mqtt.subscribeAsync(`soak/${index}`, { qos: 1 });
      return { topic: `soak/${index}`, reader, writer: await lab.client(broker) };
    }),
  );
  const before = await broker.memory();
  for (let block = 0; block < 10; block++) {
    const sent = pairs.map(async ({ topic, writer }) => {
      for (let i = 0; i < 100; i++) await writer.mqtt.publishAsync(topic, `${block * 100 + i}`, { qos: 1 });
    });
    await Promise.all(sent);
  }
  for (const { reader } of pairs) {
    const texts = (await reader.collected(1_000)).map((message) => message.text);
    assert.deepEqual(
      texts,
      Array.from({ length: 1_000 }, (_, index) => String(index)),
    );
  }
  const memory = (await broker.memory()) / MIB;
  t.diagnostic(
    `the program's memory: ${(before / MIB).toFixed(1)} MiB with 200 connections, ${memory.toFixed(1)} MiB at the end`,
  );
  assert.ok(memory < 64, `the broker took ${memory.toFixed(0)} MiB`);
});
