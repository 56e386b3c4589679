import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { localEngine } from "kernel-helpers/dist/brokers/local";
import { LocalBroker } from "kernel-helpers/dist/brokers/local/broker";
import { findProgram } from "kernel-helpers/dist/brokers/local/machine";
import { planBroker } from "kernel-helpers/dist/brokers/plan";
import { Scope } from "kernel-helpers/dist/core/scope";
import { currentSession, processStarted } from "kernel-helpers/dist/core/session";
import { openScope, processGuard } from "kernel-helpers/dist/kernel/watch";
import mqtt from "mqtt";
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

test("local: a project in a folder with spaces", async (t) => {
  const reason = await noMosquitto();
  if (reason) return t.skip(reason);
  const folder = mkdtempSync(join(tmpdir(), "a folder, with 'spaces' "));
  const scope = new Scope(currentSession(), folder, processGuard());
  t.after(async () => {
    await scope.close();
    rmSync(folder, { recursive: true });
  });
  const broker = await localEngine().start(
    planBroker("local", {
      conf: `
        include_dir /mosquitto/config/more
        persistence true
        persistence_location /mosquitto/data/
        log_dest file /mosquitto/log/mosquitto.log
        log_dest stderr
        listener 0 /mosquitto/data/mqtt.sock
      `,
      files: {
        "more/a.conf": "listener 1883\npassword_file /mosquitto/config/passwd\nacl_file /mosquitto/config/acl\n",
        passwd: "",
        acl: "topic #\n",
      },
    }),
    scope,
  );
  await broker.exec(["mosquitto_passwd", "-b", "/mosquitto/config/passwd", "ada", "pw"]);
  await broker.signal("SIGHUP");
  await broker.log.until(/Reloading config/);
  const login = { username: "ada", password: "pw", reconnectPeriod: 0 };
  await (await mqtt.connectAsync(broker.listeners[0]!.url, login)).endAsync();
  await broker.stop();
  assert.ok((await broker.readFile("/mosquitto/data/mosquitto.db")).length > 0);
  assert.match(new TextDecoder().decode(await broker.readFile("/mosquitto/log/mosquitto.log")), /running/);
  assert.doesNotMatch(broker.log.toString(), /spaces/);
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
