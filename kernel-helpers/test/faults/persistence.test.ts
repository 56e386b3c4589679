/** A database that Mosquitto wrote and that something spoiled since. */
import assert from "node:assert/strict";
import test from "node:test";
import type { EngineBroker } from "kernel-helpers/dist/brokers/engine";
import { planBroker } from "kernel-helpers/dist/brokers/plan";
import type { LabError } from "kernel-helpers/dist/core/errors";
import { connectAsync } from "mqtt";
import { engineHere, RELEASE, scopeOf } from "./machine";

const DATABASE = "/mosquitto/data/mosquitto.db";
const CONF = `listener 1883
allow_anonymous true
persistence true
persistence_location /mosquitto/data/
`;

async function retain(broker: EngineBroker): Promise<void> {
  const client = await connectAsync(broker.listeners[0]!.url, { reconnectPeriod: 0 });
  for (let at = 0; at < 20; at++) await client.publishAsync(`shelf/${at}`, "x".repeat(50), { retain: true, qos: 1 });
  await client.endAsync();
}

for (const kind of ["docker", "embedded", "local"] as const) {
  for (const volume of [undefined, "faults"]) {
    const place = volume ? "in a volume" : "of the broker's own";
    test(`${kind}: a truncated and an alien database ${place}`, { timeout: 60_000 }, async (t) => {
      const engine = await engineHere(t, kind);
      if (!engine) return;
      const lab = `faults-${process.pid}`;
      const scope = await scopeOf(t);
      if (volume) t.after(() => engine.removeVolume(lab, volume));
      const broker = await engine.start(planBroker(lab, { conf: CONF, mosquitto: RELEASE[kind], volume }), scope);
      await retain(broker);
      await broker.stop();
      const whole = await broker.readFile(DATABASE);
      const alien = new TextEncoder().encode("this is no database ".repeat(20));
      for (const broken of [whole.subarray(0, whole.length >> 1), alien]) {
        await broker.writeFile(DATABASE, broken);
        await assert.rejects(broker.start(), (error: LabError) => {
          t.diagnostic(error.toString());
          assert.equal(error.code, "BROKER_EXITED");
          assert.match(error.message, /cannot read its persistence file \/mosquitto\/data\/mosquitto\.db/);
          assert.match(error.message, /Couldn't open database/);
          if (volume) assert.match(error.hint, /lab\.removeVolume\("faults"\)/);
          else assert.doesNotMatch(error.hint, /removeVolume/);
          const over = /empty database over it/.test(error.hint);
          assert.equal(over, kind !== "local", "2.1 writes over a database that it could not read");
          return true;
        });
        const after = await broker.readFile(DATABASE);
        const kept = Buffer.from(after).equals(Buffer.from(broken));
        assert.equal(kept, kind === "local", `${after.length} of ${broken.length} bytes`);
      }
      await broker.writeFile(DATABASE, whole);
      await broker.start();
      await broker.remove();
    });
  }
}
