import assert from "node:assert/strict";
import test from "node:test";
import { dockerEngine } from "kernel-helpers/dist/brokers/docker";
import { findDocker } from "kernel-helpers/dist/brokers/docker/address";
import { DockerBroker } from "kernel-helpers/dist/brokers/docker/broker";
import { dockerAt, LABEL } from "kernel-helpers/dist/brokers/docker/client";
import { planBroker } from "kernel-helpers/dist/brokers/plan";
import type { MosquittoRelease } from "kernel-helpers/dist/brokers/spec";
import type { Scope } from "kernel-helpers/dist/core/scope";
import { openScope } from "kernel-helpers/dist/kernel/watch";
import mqtt from "mqtt";
import { engineSuite } from "./engine-suite";

const found = findDocker().catch(() => null);
const noDocker = async () => ((await found) ? false : "no container engine answers here");
const client = async () => dockerAt((await found)!.address);

async function leftovers(scope: Scope): Promise<string[]> {
  const filters = { label: [`${LABEL.session}=${scope.session.id}`] };
  const docker = await client();
  const containers = await docker.listContainers({ all: true, filters });
  const networks = await docker.listNetworks({ filters });
  const names = [...containers.map((one) => one.Names[0]!), ...networks.map((one) => one.Name)];
  return names.filter((name) => name.includes(scope.id));
}

engineSuite("docker", dockerEngine, {
  skip: noDocker,
  leftovers,
  async isThere(broker) {
    assert.ok(broker instanceof DockerBroker);
    return broker.box.container.inspect().then(
      () => true,
      (error: { statusCode?: number }) => {
        assert.equal(error.statusCode, 404);
        return false;
      },
    );
  },
});

const OPEN = "listener 1883\nallow_anonymous true\n";

const VERSIONS: [MosquittoRelease, string][] = [
  ["2.1", "2.1.2"],
  ["2.0.21", "2.0.21"],
  ["2.0.11", "2.0.11"],
];
for (const [release, version] of VERSIONS) {
  test(`docker: release ${release}`, { timeout: 180_000 }, async (t) => {
    const reason = await noDocker();
    if (reason) return t.skip(reason);
    const scope = await openScope("releases");
    t.after(() => scope.close());
    const conf = `${OPEN}listener 9001\nprotocol websockets\n`;
    const broker = await dockerEngine().start(planBroker("releases", { conf, mosquitto: release }), scope);
    assert.equal(broker.version, version);
    for (const { url } of broker.listeners) await (await mqtt.connectAsync(url, { reconnectPeriod: 0 })).endAsync();
    const plugin =
      "listener 1883\nplugin /usr/lib/mosquitto_dynamic_security.so\nplugin_opt_config_file /mosquitto/config/dynsec.json\n";
    const made = await dockerEngine().tool(
      {
        lab: "releases",
        mosquitto: release,
        command: ["mosquitto_ctrl", "dynsec", "init", "/mosquitto/config/dynsec.json", "admin", "a-long-password"],
        files: [],
        collect: ["/mosquitto/config/dynsec.json"],
      },
      scope,
    );
    const [dynsec] = made.files.values();
    assert.ok(dynsec, made.stderr);
    const files = { "dynsec.json": dynsec };
    const secured = await dockerEngine().start(
      planBroker("releases", { name: "dynsec", conf: plugin, files, mosquitto: release }),
      scope,
    );
    const login = { username: "admin", password: "a-long-password", reconnectPeriod: 0 };
    await (await mqtt.connectAsync(secured.listeners[0]!.url, login)).endAsync();
    const bad = dockerEngine().start(
      planBroker("releases", { name: "bad", conf: "listner 1", mosquitto: release }),
      scope,
    );
    await assert.rejects(bad, { code: "BAD_CONFIG" });
    await scope.close();
    assert.deepEqual(await leftovers(scope), []);
  });
}

test("docker: anonymous volumes go with their broker, named ones stay", { timeout: 60_000 }, async (t) => {
  const reason = await noDocker();
  if (reason) return t.skip(reason);
  const scope = await openScope("volumes");
  const volume = `kept-${process.pid}`;
  t.after(async () => {
    await scope.close();
    await dockerEngine().removeVolume("volumes", volume);
  });
  const broker = await dockerEngine().start(planBroker("volumes", { conf: OPEN, volume }), scope);
  assert.ok(broker instanceof DockerBroker);
  const { Mounts } = await broker.box.container.inspect();
  assert.deepEqual(Mounts.map((mount) => mount.Destination).sort(), ["/mosquitto/data", "/mosquitto/log"]);
  await broker.remove();
  const { Volumes } = await (await client()).listVolumes();
  const left = new Set(Volumes.map((one) => one.Name));
  for (const mount of Mounts)
    assert.equal(left.has(mount.Name!), mount.Destination === "/mosquitto/data", mount.Destination);
});
