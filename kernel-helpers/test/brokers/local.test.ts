import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { localEngine } from "kernel-helpers/dist/brokers/local";
import { LocalBroker } from "kernel-helpers/dist/brokers/local/broker";
import { findProgram } from "kernel-helpers/dist/brokers/local/machine";
import { planBroker } from "kernel-helpers/dist/brokers/plan";
import { processStarted } from "kernel-helpers/dist/core/session";
import { openScope } from "kernel-helpers/dist/kernel/watch";
import { engineSuite } from "./engine-suite";

const noMosquitto = async () => (findProgram("mosquitto") ? false : "mosquitto is not installed here");
const clients = ["mosquitto_sub", "mosquitto_pub", "mosquitto_passwd"];

engineSuite("local", localEngine, {
  skip: noMosquitto,
  lacks: new Set(clients.filter((name) => !findProgram(name))),
  async leftovers(scope) {
    return existsSync(scope.folder) ? [scope.folder] : [];
  },
  async isThere(broker) {
    assert.ok(broker instanceof LocalBroker);
    return broker.pid !== undefined && processStarted(broker.pid) !== null;
  },
});

test("local: what the engine has not is said, with the engine that has it", async (t) => {
  const reason = await noMosquitto();
  if (reason) return t.skip(reason);
  const scope = await openScope("local");
  t.after(() => scope.close());
  const service = { lab: "local", name: "proxy", image: "haproxy", ports: [1883], files: [], env: {} };
  await assert.rejects(localEngine().service(service, scope), { code: "ENGINE_CANNOT", hint: /Docker/ });
  const [version] = (await localEngine().probe()).mosquitto;
  const other = version === "2.0.21" ? "2.0.11" : "2.0.21";
  const plan = planBroker("local", { conf: "listener 1883", mosquitto: other });
  await assert.rejects(localEngine().start(plan, scope), { code: "ENGINE_CANNOT", message: new RegExp(other) });
});

test("local: nothing listens beyond loopback, whatever the configuration says", async (t) => {
  const reason = await noMosquitto();
  if (reason) return t.skip(reason);
  if (process.platform !== "linux") return t.skip("listening sockets are read from /proc");
  const scope = await openScope("local");
  t.after(() => scope.close());
  const conf =
    "port 1883\nbind_address 0.0.0.0\nlistener 1884\nlistener 1885 0.0.0.0\nlistener 0 /mosquitto/data/mqtt.sock\nallow_anonymous true\n";
  const broker = await localEngine().start(planBroker("local", { conf }), scope);
  const implicit = await localEngine().start(
    planBroker("local", { name: "b", conf: "allow_anonymous true\nmax_connections 10\n" }),
    scope,
  );
  const ports = [...broker.listeners, ...implicit.listeners].map((listener) => listener.hostPort);
  assert.equal(ports.length, 4);
  const sockets = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) =>
    readFileSync(path, "utf8").split("\n").slice(1),
  );
  for (const port of ports) {
    const hex = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
    const open = sockets
      .map((line) => line.trim().split(/\s+/))
      .filter((words) => words[1]?.endsWith(hex) && words[3] === "0A");
    assert.deepEqual(
      open.map((words) => words[1]),
      [`0100007F${hex}`],
    );
  }
  const home = readdirSync(scope.folder).find((name) => name.startsWith("broker-"))!;
  assert.ok(readdirSync(join(scope.folder, home, "mosquitto", "data")).includes("mqtt.sock"));
});
