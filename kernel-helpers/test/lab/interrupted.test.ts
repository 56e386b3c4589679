import assert from "node:assert/strict";
import { test } from "node:test";
import { engines } from "kernel-helpers";
import { KernelClient } from "kernel-helpers/dist/kernel/client";

/** Moments in milliseconds: the start of a broker is over after some of them, on a quick machine. */
const MOMENTS = [0, 20, 40, 60, 80, 100, 130, 160, 200, 250, 300, 400];
const OPEN = `import { openLab } from "kernel-helpers";\nconst lab = await openLab("interrupted");`;
const START = `const broker = await lab.broker({ conf: "listener 1883\\nallow_anonymous true" });`;
const TALK = `
const client = await lab.client(broker);
await client.mqtt.subscribeAsync("a");
await client.mqtt.publishAsync("a", "heard");
(await client.next("a")).text`;

for (const kind of ["embedded", "local", "docker"] as const) {
  test(`${kind}: wherever an interrupt meets the start of a broker, the lab can be opened again and works`, async (t) => {
    const engine = (await engines()).find((one) => one.kind === kind);
    if (!engine?.available) return t.skip(`no ${kind} engine here: ${engine?.summary ?? "not built"}`);
    const kernel = await KernelClient.start({ env: { ...process.env, MQTT_LAB_ENGINE: kind } });
    t.after(() => kernel.shutdown());
    const interruptedAt = async (moment: number, cell: string): Promise<void> => {
      const run = kernel.execute(cell, { timeout: 60_000, stopOnError: false });
      await new Promise((resolve) => setTimeout(resolve, moment));
      await kernel.interrupt();
      const { status, timedOut } = await run;
      assert.ok(!timedOut, `after ${moment} ms: ${status}`);
    };
    const works = async (cell: string, moment: number): Promise<string> => {
      const { status, error, outputs } = await kernel.execute(cell, { timeout: 20_000, stopOnError: false });
      assert.equal(status, "ok", `after an interrupt at ${moment} ms: ${error?.evalue}`);
      return JSON.stringify(outputs);
    };
    for (const moment of MOMENTS) {
      await interruptedAt(moment, OPEN);
      await works(OPEN, moment);
      await interruptedAt(moment, START);
      await works(OPEN, moment);
    }
    // V8 drops what was due behind a loop that it terminates: the broker's start among it.
    await interruptedAt(300, `void ${START.replace("const broker = await ", "")} for (;;);`);
    await works(OPEN, 300);
    await works(START, Number.NaN);
    assert.match(await works(TALK, Number.NaN), /heard/);
  });
}
