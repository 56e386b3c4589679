/** A crash inside one broker ends that one, with its log; the process and the other brokers go on. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { compileModule } from "kernel-helpers/dist/brokers/embedded/core/webassembly";
import { programModule } from "kernel-helpers/dist/brokers/embedded/node/modules";
import { type Run, WorkerPool } from "kernel-helpers/dist/brokers/embedded/node/pool";
import { freePort } from "kernel-helpers/dist/brokers/ports";
import mqtt from "mqtt";
import { anonymous, notBuilt, TestLab } from "./lab";

test("a crash ends that broker with its log, and it can be started again", { skip: notBuilt }, async (t) => {
  const lab = new TestLab(t);
  const victim = await lab.broker({ name: "victim", conf: anonymous() });
  const other = await lab.broker({ name: "other", conf: anonymous() });
  const client = await lab.client(victim);
  const closed = new Promise<void>((resolve) => client.mqtt.once("close", () => resolve()));
  victim.spoilMemory();
  const exit = await victim.exited();
  assert.equal(exit.code, null);
  assert.match(exit.signal ?? "", /^SIG(SEGV|ABRT)$/);
  assert.match(victim.log.tail(1), /mosquitto crashed/);
  await closed;
  const witness = await lab.client(other);
  await witness.mqtt.publishAsync("still", "here", { qos: 2 });
  await victim.start();
  await (await lab.client(victim)).mqtt.publishAsync("back", "again", { qos: 1 });
});

test("brokers that share a worker: one crashes, the other serves", { skip: notBuilt }, async (t) => {
  const pool = new WorkerPool(1);
  const module = await programModule("mosquitto");
  const folder = mkdtempSync(join(tmpdir(), "shared-worker-"));
  writeFileSync(join(folder, "m.conf"), anonymous());
  const start = async () => {
    const hostPort = await freePort("127.0.0.1");
    let end = (_end: { signal: string | null }) => {};
    const ended = new Promise<{ signal: string | null }>((resolve) => {
      end = resolve;
    });
    const run = await new Promise<Run>((resolve, reject) => {
      const begun: Run = pool.run(
        {
          start: {
            args: ["-c", "/m.conf"],
            env: {},
            mounts: [{ at: "/", folder }],
            ports: [{ port: 1883, host: "127.0.0.1", hostPort }],
            neighbours: {},
            cut: [],
            module,
          },
        },
        { lines() {}, started: () => resolve(begun), refused: ({ message }) => reject(new Error(message)), ended: end },
      );
    });
    t.after(() => run.kill());
    return { run, ended, url: `mqtt://127.0.0.1:${hostPort}` };
  };
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const victim = await start();
  const other = await start();
  assert.equal(victim.run.host, other.run.host);
  const witness = await mqtt.connectAsync(other.url, { protocolVersion: 5 });
  victim.run.send({ op: "spoil", id: victim.run.id });
  assert.match((await victim.ended).signal ?? "", /^SIG(SEGV|ABRT)$/);
  await witness.publishAsync("still", "here", { qos: 2 });
  await witness.endAsync();
});

/** A program whose start never ends: exports memory, malloc and broker_start, which is a loop. */
const ENDLESS =
  "0061736d01000000010c0260017f017f60027f7f017f030302000105030100010722030" +
  "66d656d6f72790200066d616c6c6f6300000c62726f6b65725f737461727400010a100205004180080b080003400c000b000b";

test("a program that computes without end is ended by kill, with its worker", async () => {
  const pool = new WorkerPool();
  const module = await compileModule(Buffer.from(ENDLESS, "hex"));
  const end = await new Promise<{ signal: string | null }>((resolve) => {
    const start = { args: [], env: {}, mounts: [], ports: [], neighbours: {}, cut: [], module };
    const run = pool.run({ start }, { lines() {}, started() {}, refused() {}, ended: resolve });
    run.kill();
  });
  assert.equal(end.signal, "SIGKILL");
});

test("a blocked kernel doesn't stop its brokers: clients elsewhere go on", {
  skip: notBuilt,
  timeout: 30_000,
}, async (t) => {
  const lab = new TestLab(t);
  const broker = await lab.broker(anonymous());
  const done = new Int32Array(new SharedArrayBuffer(4));
  const client = new Worker(
    `const { workerData: { url, done, mqtt } } = require("node:worker_threads");
    require(mqtt).connectAsync(url, { protocolVersion: 5 }).then(async (client) => {
      await client.subscribeAsync("busy", { qos: 2 });
      for (let i = 0; i < 50; i++) {
        const back = new Promise((resolve) => client.once("message", resolve));
        await client.publishAsync("busy", String(i), { qos: 2 });
        await back;
      }
      Atomics.store(done, 0, 1);
      Atomics.notify(done, 0);
    });`,
    { eval: true, workerData: { url: broker.listeners[0]!.url, done, mqtt: require.resolve("mqtt") } },
  );
  t.after(() => client.terminate());
  // This thread does nothing at all until the other has had its fifty messages.
  assert.notEqual(Atomics.wait(done, 0, 0, 20_000), "timed-out");
});
