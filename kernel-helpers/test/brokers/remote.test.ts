import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { DockerEngine } from "kernel-helpers/dist/brokers/docker";
import { findDocker } from "kernel-helpers/dist/brokers/docker/address";
import { DockerBroker } from "kernel-helpers/dist/brokers/docker/broker";
import { removeSession } from "kernel-helpers/dist/brokers/docker/cleanup";
import { planBroker, planFiles } from "kernel-helpers/dist/brokers/plan";
import { openScope } from "kernel-helpers/dist/kernel/watch";
import mqtt from "mqtt";

const real = findDocker().catch(() => null);
const OPEN = "listener 1883\nallow_anonymous true\n";

interface Relay {
  readonly port: number;
  /** Ends every connection and refuses new ones. */
  cut(): Promise<void>;
}

/** Relays an address to the engine's socket. */
const relay = async (at: { host?: string; path?: string }): Promise<Relay> =>
  relayFrom(at, { path: (await real)!.address.socketPath! });

/** Relays a port of this machine's loopback to a broker. */
const relayTo = ({ host, hostPort }: { host: string; hostPort: number }): Promise<Relay> =>
  relayFrom({ host: "127.0.0.1" }, { host, port: hostPort });

async function relayFrom(
  at: { host?: string; path?: string },
  to: { path: string } | { host: string; port: number },
): Promise<Relay> {
  const open = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ ...to, allowHalfOpen: true });
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => {}).on("close", () => open.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.path ? { path: at.path } : { host: at.host, port: 0 }, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" ? (address?.port ?? 0) : 0,
    cut: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

async function withHost<T>(host: string, act: () => Promise<T>): Promise<T> {
  const before = process.env.DOCKER_HOST;
  process.env.DOCKER_HOST = host;
  try {
    return await act();
  } finally {
    if (before === undefined) delete process.env.DOCKER_HOST;
    else process.env.DOCKER_HOST = before;
  }
}

const lacking = async (): Promise<string | null> =>
  (await real)?.address.socketPath ? null : "no container engine answers at a socket here";

/** DOCKER_HOST of an engine that is not at loopback; undefined after the test was skipped for want of one. */
async function elsewhere(t: TestContext): Promise<string | undefined> {
  const skip = (reason: string): undefined => void t.skip(reason);
  const reason = await lacking();
  if (reason) return skip(reason);
  // Where the engine runs here, its bridge is an address of this machine that is not loopback, while a container runs.
  const first = await openScope("remote");
  t.after(() => first.close());
  await new DockerEngine().start(planBroker("remote", { conf: OPEN }), first);
  const host = networkInterfaces().docker0?.find((one) => one.family === "IPv4")?.address;
  if (!host) return skip("the engine's bridge has no address on this machine");
  const through = await relay({ host }).catch(() => null);
  if (!through) return skip("the engine's bridge is on another machine");
  t.after(() => through.cut());
  return `tcp://${host}:${through.port}`;
}

test("docker: an engine at another address: files go in, ports are reached there", {
  timeout: 120_000,
}, async (t: TestContext) => {
  const there = await elsewhere(t);
  if (!there) return;
  const host = new URL(there).hostname;
  await withHost(there, async () => {
    const engine = new DockerEngine();
    const scope = await openScope("remote");
    t.after(() => scope.close());
    const files = { passwd: "" };
    const conf = "listener 1883\npassword_file /mosquitto/config/passwd\n";
    const broker = await engine.start(planBroker("remote", { conf, files }), scope);
    assert.equal(broker.listeners[0]!.host, host);
    assert.match(broker.listeners[0]!.url, new RegExp(`^mqtt://${host}:`));
    const made = await broker.exec(["mosquitto_passwd", "-b", "/mosquitto/config/passwd", "ada", "pw"]);
    assert.equal(made.exitCode, 0, made.stderr);
    await broker.signal("SIGHUP");
    await broker.log.until(/Reloading/);
    const client = await mqtt.connectAsync(broker.listeners[0]!.url, {
      username: "ada",
      password: "pw",
      reconnectPeriod: 0,
    });
    await client.endAsync();
    const tool = {
      lab: "remote",
      mosquitto: "2.1",
      command: ["cat", "x"],
      files: planFiles({ x: "there" }),
      collect: [],
    };
    assert.equal((await engine.tool(tool, scope)).stdout, "there");
    await scope.close();
  });
});

test("docker: a door to this machine and a cut link, with an engine at another address", {
  timeout: 120_000,
}, async (t: TestContext) => {
  const there = await elsewhere(t);
  if (!there) return;
  await withHost(there, async () => {
    const engine = new DockerEngine();
    const scope = await openScope("remote");
    let onlyHere: Relay | undefined;
    try {
      const start = (name: string, conf: string) =>
        engine.start(planBroker("remote", { name, conf: `${OPEN}${conf}` }), scope);
      const hub = await start("hub", "");
      // The door leads to a port of this machine's loopback, which nothing at the engine's own address could reach.
      onlyHere = await relayTo(hub.listeners[0]!);
      const target = { host: "127.0.0.1", port: onlyHere.port };
      const door = await engine.door({ lab: "remote", name: "to-here", port: 1883, target, behind: hub }, scope);
      const bridge = `connection up\naddress ${door.address}\nremote_clientid leaf\ntopic # out 1\nkeepalive_interval 5\nrestart_timeout 1 3\n`;
      const leaf = await start("leaf", bridge);
      await hub.log.until(/New bridge connected from .* as leaf/, { timeout: 15_000 });
      const link = await engine.link(leaf, hub);
      await link.cut();
      await hub.log.until(/Client leaf .*(exceeded timeout|closed)/, { timeout: 20_000 });
      const after = hub.log.lines.length;
      await link.mend();
      await hub.log.until(/New bridge connected from .* as leaf/, { timeout: 20_000, after });
      await door.remove();
    } finally {
      // Before the way to the engine ends.
      await scope.close();
      await onlyHere?.cut();
    }
  });
});

test("docker: an engine that goes away midway is named, and nothing hangs", {
  timeout: 120_000,
}, async (t: TestContext) => {
  const reason = await lacking();
  if (reason) return t.skip(reason);
  const folder = mkdtempSync(join(tmpdir(), "engine-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "engine.sock");
  const through = await relay({ path });
  const scope = await openScope("lost");
  const { address } = (await real)!;
  t.after(() => removeSession(address, scope.session.id));
  const broker = await withHost(`unix://${path}`, () =>
    new DockerEngine().start(planBroker("lost", { conf: OPEN }), scope),
  );
  const exited = broker.exited();
  await through.cut();
  await assert.rejects(exited, { code: "ENGINE_LOST" });
  await assert.rejects(broker.stop(), { code: "ENGINE_LOST" });
  await assert.rejects(broker.exec(["ls"]), { code: "ENGINE_LOST", hint: /start the engine/ });
  await assert.rejects(scope.close(), AggregateError);
});

test("docker: a container that somebody removed from outside", { timeout: 60_000 }, async (t: TestContext) => {
  const reason = await lacking();
  if (reason) return t.skip(reason);
  const scope = await openScope("outside");
  t.after(() => scope.close());
  const broker = await new DockerEngine().start(planBroker("outside", { conf: OPEN }), scope);
  assert.ok(broker instanceof DockerBroker);
  await broker.box.container.remove({ force: true, v: true });
  await broker.exited();
  assert.equal(broker.state, "exited");
  await assert.rejects(broker.start(), { code: "NOT_IN_A_LAB", message: /from outside/ });
  await broker.remove();
});
