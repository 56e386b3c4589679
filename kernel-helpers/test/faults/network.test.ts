/** A machine whose ports, names and ways to the engine are not the usual ones. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { planBroker } from "kernel-helpers/dist/brokers/plan";
import * as ports from "kernel-helpers/dist/brokers/ports";
import type { LabError } from "kernel-helpers/dist/core/errors";
import { connectAsync } from "mqtt";
import { child, engineHere, privateMounts, RELEASE, scopeOf, withMounts } from "./machine";

const CONF = "listener 1883\nallow_anonymous true";

/** A program that takes a port and answers nothing. Null when the port isn't free. */
async function occupy(t: TestContext, port: number): Promise<{ port: number; visits: () => number } | null> {
  let visits = 0;
  const server: Server = createServer((socket) => {
    visits++;
    socket.destroy();
  });
  const there = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  if (!there) return null;
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, visits: () => visits };
}

for (const kind of ["embedded", "local"] as const) {
  test(`${kind}: localhost is ::1 and nothing else`, { timeout: 60_000 }, async (t) => {
    if (!privateMounts()) return t.skip("this user has no mount namespace of its own");
    if (!(await engineHere(t, kind))) return;
    const folder = mkdtempSync(join(tmpdir(), "hosts-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const hosts = join(folder, "hosts");
    writeFileSync(hosts, "::1 localhost ip6-localhost\n");
    const said = await child(
      `const names=await require("dns").promises.lookup("localhost",{all:true});
      const scope=await openScope("faults");
      try{
        const {engine}=await selectEngine({wanted:"${kind}"});
        const broker=await engine.start(planBroker("faults",{mosquitto:"${RELEASE[kind]}",conf:${JSON.stringify(CONF)}}),scope);
        const {url}=broker.listeners[0];
        const client=await mqtt.connectAsync(url,{reconnectPeriod:0});
        const heard=new Promise(resolve=>client.on("message",(topic,payload)=>resolve(payload.toString())));
        await client.subscribeAsync("a");
        const tools=[];
        for(const host of [[],["-h","localhost"]]) tools.push(await broker.exec(["mosquitto_pub",...host,"-t","a","-m","b"]));
        const message=tools.some(({exitCode})=>exitCode===0)?await heard:null;
        await client.endAsync();
        return {names,url,tools:tools.map(({exitCode,stderr})=>exitCode+stderr),message};
      }finally{await scope.close()}`,
      { before: withMounts([`mount --bind '${hosts}' /etc/hosts`]) },
    );
    t.diagnostic(JSON.stringify(said));
    const names = said.names as { address: string }[];
    if (names.some(({ address }) => address !== "::1")) return t.skip("localhost comes from elsewhere than /etc/hosts");
    assert.match(String(said.url), /^mqtt:\/\/127\.0\.0\.1:\d+$/);
    assert.deepEqual(said.tools, ["0", "0"]);
    assert.equal(said.message, "b");
  });
}

for (const kind of ["docker", "embedded", "local"] as const) {
  test(`${kind}: a port is lost between its choice and the start`, { timeout: 60_000 }, async (t) => {
    const engine = await engineHere(t, kind);
    if (!engine) return;
    const thief = await occupy(t, 0);
    assert.ok(thief);
    const scope = await scopeOf(t);
    const plan = planBroker("faults", { conf: CONF, mosquitto: RELEASE[kind] });
    const steered = t.mock.method(ports, "freePort", async () => thief.port, { times: 1 });
    const broker = await engine.start(plan, scope);
    assert.equal(steered.mock.callCount() > 0, true);
    assert.notEqual(broker.listeners[0]?.hostPort, thief.port);
    await (await connectAsync(broker.listeners[0]!.url, { reconnectPeriod: 0 })).endAsync();
    await broker.remove();
    steered.mock.restore();
    t.mock.method(ports, "freePort", async () => thief.port);
    await assert.rejects(
      engine.start(planBroker("faults", { name: "other", conf: CONF, mosquitto: RELEASE[kind] }), scope),
      (error: LabError) => {
        t.diagnostic(error.toString());
        assert.equal(error.code, "PORT_TAKEN");
        assert.match(error.message, new RegExp(`has taken a port of this broker \\(${thief.port}\\)`));
        if (process.platform === "linux") assert.match(error.message, new RegExp(`process ${process.pid}\\)`));
        assert.match(error.hint, /^end .+ it takes other ports$/);
        return true;
      },
    );
  });

  test(`${kind}: a leftover program has port 1883 of this machine`, { timeout: 60_000 }, async (t) => {
    const engine = await engineHere(t, kind);
    if (!engine) return;
    const leftover = await occupy(t, 1883);
    if (!leftover) return t.skip("port 1883 of this machine is in use already");
    const scope = await scopeOf(t);
    const broker = await engine.start(planBroker("faults", { conf: CONF, mosquitto: RELEASE[kind] }), scope);
    const client = await connectAsync(broker.listeners[0]!.url, { reconnectPeriod: 0 });
    const heard = new Promise<string>((resolve) => client.once("message", (_, payload) => resolve(payload.toString())));
    await client.subscribeAsync("a");
    const { exitCode, stderr } = await broker.exec(["mosquitto_pub", "-t", "a", "-m", "b"]);
    assert.equal(exitCode, 0, stderr);
    assert.equal(await heard, "b");
    await client.endAsync();
    assert.equal(leftover.visits(), 0);
  });
}

test("docker through TCP, with proxy variables that lead nowhere", { timeout: 60_000 }, async (t) => {
  if (!(await engineHere(t, "docker"))) return;
  const socket = "/var/run/docker.sock";
  const gateway = createServer((from) => {
    const to = connect(socket);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      one.on("error", () => other.destroy());
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
  t.after(() => gateway.close());
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
  const said = await child(
    `const scope=await openScope("faults");
    try{
      const {engine}=await selectEngine();
      const broker=await engine.start(planBroker("faults",{conf:${JSON.stringify(CONF)}}),scope);
      const client=await mqtt.connectAsync(broker.listeners[0].url,{reconnectPeriod:0});
      const heard=new Promise(resolve=>client.on("message",(topic,payload)=>resolve(payload.toString())));
      await client.subscribeAsync("a");
      const {exitCode}=await broker.exec(["mosquitto_pub","-t","a","-m","b"]);
      const message=await heard;
      await client.endAsync();
      return {engine:broker.engine,exitCode,message};
    }finally{await scope.close()}`,
    {
      env: {
        ...process.env,
        ...Object.fromEntries(names.map((name) => [name, "http://127.0.0.1:9"])),
        NO_PROXY: "",
        no_proxy: "",
        NODE_USE_ENV_PROXY: "1",
        DOCKER_HOST: `tcp://127.0.0.1:${(gateway.address() as AddressInfo).port}`,
      },
    },
  );
  assert.deepEqual(said, { engine: "docker", exitCode: 0, message: "b" });
});
