/** A crash inside one broker ends that one, with its log; the process and the other brokers go on. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
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
