/** What every engine has to do alike. A new engine passes this file unchanged. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import test, { type TestContext } from "node:test";
import type { Engine, EngineBroker } from "kernel-helpers/dist/brokers/engine";
import { planBroker, planFiles } from "kernel-helpers/dist/brokers/plan";
import type { BrokerSpec } from "kernel-helpers/dist/brokers/spec";
import { LabError, type LabErrorCode } from "kernel-helpers/dist/core/errors";
import type { Scope } from "kernel-helpers/dist/core/scope";
import { openScope } from "kernel-helpers/dist/kernel/watch";
import mqtt, { type MqttClient } from "mqtt";
import forge from "node-forge";
import { linkSuite } from "./link-suite";

/** Adds a case: what it starts ends with it, and nothing may be left. */
export type Check = (title: string, act: (t: TestContext, bench: Bench) => Promise<void>) => void;

export interface SuiteOptions {
  /** Why the engine cannot be tested here, or false. */
  skip(): Promise<string | false>;
  /** What is left of a scope after its end, in words: containers, networks, processes. */
  leftovers(scope: Scope): Promise<string[]>;
  /** Asks the engine's own means whether a broker is there: its container, its process. */
  isThere(broker: EngineBroker): Promise<boolean>;
  /** Programs that this engine lacks here. */
  lacks?: ReadonlySet<string>;
}

const OPEN = "listener 1883\nallow_anonymous true\n";
const LAB = "engine-suite";

export function engineSuite(name: string, makeEngine: () => Engine, options: SuiteOptions): void {
  const check: Check = (title, act) =>
    void test(`${name}: ${title}`, { timeout: 120_000 }, async (t) => {
      const reason = await options.skip();
      if (reason) return t.skip(reason);
      const scope = await openScope(LAB);
      const clients = new Set<MqttClient>();
      t.after(async () => {
        for (const client of clients) client.end(true);
        await scope.close();
        assert.deepEqual(await options.leftovers(scope), []);
      });
      await act(t, new Bench(makeEngine(), scope, clients, options));
    });

  check("says what it is", async (_t, { engine }) => {
    const probe = await engine.probe();
    assert.equal(probe.available, true);
    assert.equal(probe.kind, engine.kind);
    assert.ok(probe.mosquitto.length > 0);
    assert.match(probe.summary, /\d/);
  });

  check("a broker takes messages over TCP and WebSocket", async (_t, bench) => {
    const broker = await bench.start({
      conf: `
        listener 1883
        listener 9001
        protocol websockets
        allow_anonymous true
      `,
    });
    assert.deepEqual(
      broker.listeners.map(({ port, protocol, tls }) => ({ port, protocol, tls })),
      [
        { port: 1883, protocol: "mqtt", tls: false },
        { port: 9001, protocol: "websockets", tls: false },
      ],
    );
    assert.match(broker.listeners[0]!.url, /^mqtt:\/\/[\d.]+:\d+$/);
    assert.match(broker.listeners[1]!.url, /^ws:\/\//);
    assert.match(broker.version, /^2\.\d+\.\d+$/);
    const [tcp, web] = [await bench.client(broker, 0), await bench.client(broker, 1)];
    await web.subscribeAsync("a/b");
    const message = next(web);
    await tcp.publishAsync("a/b", "21.5", { qos: 1 });
    assert.equal(await message, "a/b 21.5");
  });

  check("several brokers at once, each with its own ports and messages", async (_t, bench) => {
    const brokers = await Promise.all(["one", "two", "three"].map((name) => bench.start({ name, conf: OPEN })));
    assert.equal(new Set(brokers.map((broker) => broker.listeners[0]!.url)).size, 3);
    const [one, two] = [await bench.client(brokers[0]!), await bench.client(brokers[1]!)];
    await one.publishAsync("x", "kept by one", { retain: true, qos: 1 });
    await two.subscribeAsync("x");
    assert.equal(await nothing(two), true);
  });

  check("ready also means a listener that refuses everybody", async (_t, bench) => {
    const broker = await bench.start({ conf: "listener 1883\nallow_anonymous false\n" });
    await assert.rejects(bench.client(broker), /[Nn]ot authorized/);
  });

  check("a wrong option is reported in the learner's own text, at once", async (_t, bench) => {
    const began = Date.now();
    const error = await fails(
      "BAD_CONFIG",
      bench.start({
        conf: `
          listener 1883
          alow_anonymous true
        `,
      }),
    );
    assert.match(error.message, /line 3 of the configuration: alow_anonymous true/);
    assert.match(error.message, /Unknown configuration variable/);
    assert.ok(Date.now() - began < 10_000, "it must not wait for the deadline");
  });

  check("a broker that ends at once says how, with its last lines", async (_t, bench) => {
    const error = await fails("BROKER_EXITED", bench.start({ conf: `${OPEN}password_file /mosquitto/config/none\n` }));
    assert.match(error.message, /exit code \d+/);
    assert.match(error.message, /\/mosquitto\/config\/none/);
  });

  check("a wrong configuration can be started on purpose", async (_t, bench) => {
    const broker = await bench.start({ conf: "listner 1883\n", ready: "running" });
    const exit = await broker.exited();
    assert.notEqual(exit.code, 0);
    assert.equal(broker.state, "exited");
    assert.deepEqual(broker.lastExit, exit);
    await broker.log.until("Error found at /mosquitto/config/mosquitto.conf:1");
    assert.match(broker.version, /^\d/);
  });

  check("two listeners on one port: the error names the port", async (_t, bench) => {
    const conf = "listener 1883\nlistener 1883\nallow_anonymous true\n";
    const error = await fails("PORT_TAKEN", bench.start({ conf, timeout: 5_000 }));
    assert.match(error.message, /1883/);
  });

  check("a broker with a silent listener is not ready at the deadline, and its log is told", async (_t, bench) => {
    const plan = planBroker(LAB, { conf: OPEN, timeout: 1_500 });
    // A listener that the plan has and the configuration hasn't: as silent as one behind a plugin that hangs.
    const listeners = [...plan.listeners, { port: 1999, protocol: "mqtt", tls: false, line: 0 } as const];
    const error = await fails("BROKER_NOT_READY", bench.engine.start({ ...plan, listeners }, bench.scope));
    assert.match(error.message, /port 1999/);
    assert.match(error.message, /mosquitto version/);
  });

  check("the log comes as it is written, in the learner's ports and paths", async (_t, bench) => {
    const broker = await bench.start({ conf: `${OPEN}log_type all\n` });
    await broker.log.until(/mosquitto version .* starting/);
    await broker.log.until("Opening ipv4 listen socket on port 1883.");
    const seen: string[] = [];
    const following = (async () => {
      for await (const line of broker.log) {
        assert.equal(line.probe, false);
        seen.push(line.text);
        if (line.text.includes("as meter-7")) break;
      }
    })();
    const after = broker.log.lines.length;
    const client = await bench.client(broker, 0, { clientId: "meter-7" });
    const line = await broker.log.until("as meter-7", { after });
    assert.match(line.text, /New client connected/);
    await following;
    assert.ok(seen.some((text) => text.includes("Config loaded from /mosquitto/config/mosquitto.conf")));
    await client.endAsync();
    await broker.log.until(/Client meter-7 .*disconnected|Received DISCONNECT from meter-7/);
    const error = await fails("TIMEOUT", broker.log.until("never said", { timeout: 50 }));
    assert.match(error.message, /meter-7/);
  });

  check("readiness probes are marked", async (_t, bench) => {
    const broker = await bench.start({ conf: `${OPEN}log_type all\n` });
    await bench.client(broker, 0, { clientId: "after-the-probe" });
    await broker.log.until("as after-the-probe");
    assert.ok(broker.log.lines.some((line) => line.probe && line.text.includes("mqtt-notebooks-probe")));
    const unmarked = broker.log.lines.filter((line) => !line.probe && line.text.includes("New connection from"));
    assert.equal(unmarked.length, 1, broker.log.toString());
  });

  check("a restart keeps ports, log and what persistence saved", async (_t, bench) => {
    const broker = await bench.start({ conf: `${OPEN}persistence true\npersistence_location /mosquitto/data/\n` });
    const { url } = broker.listeners[0]!;
    const first = await bench.client(broker);
    await first.publishAsync("kept", "1", { retain: true, qos: 1 });
    await first.endAsync();
    const lines = broker.log.lines.length;
    assert.deepEqual(await broker.stop(), { code: 0, signal: null });
    assert.equal(broker.state, "exited");
    await broker.start();
    assert.equal(broker.state, "running");
    assert.equal(broker.lastExit, null);
    assert.equal(broker.listeners[0]!.url, url);
    assert.equal(await retained(await bench.client(broker), "kept"), "1");
    const again = await broker.log.until(/mosquitto version .* running/, { after: lines });
    assert.ok(again.number > lines);
  });

  check("kill loses what was not saved, and keeps what was", async (_t, bench) => {
    const broker = await bench.start({ conf: `${OPEN}persistence true\npersistence_location /mosquitto/data/\n` });
    const client = await bench.client(broker);
    await client.publishAsync("saved", "1", { retain: true, qos: 1 });
    await broker.signal("SIGUSR1");
    await broker.log.until(/Saving in-memory database/);
    await saved(broker);
    await client.publishAsync("unsaved", "1", { retain: true, qos: 1 });
    client.end(true);
    const exit = await broker.kill();
    assert.deepEqual(exit, { code: null, signal: "SIGKILL" });
    await broker.start();
    const late = await bench.client(broker);
    assert.equal(await retained(late, "saved"), "1");
    assert.equal(await retained(late, "unsaved"), null);
  });

  check("stopping and killing what has ended is no error", async (_t, bench) => {
    const broker = await bench.start({ conf: OPEN });
    const [a, b] = await Promise.all([broker.stop(), broker.stop()]);
    assert.deepEqual(a, b);
    assert.deepEqual(await broker.kill(), a);
    await fails("BROKER_EXITED", broker.signal("SIGHUP"));
    await broker.start();
    await broker.start();
    assert.equal(broker.state, "running");
  });

  check("a paused broker keeps its connections and answers nothing", async (_t, bench) => {
    const broker = await bench.start({ conf: OPEN });
    const client = await bench.client(broker);
    await broker.pause();
    await broker.pause();
    assert.equal(broker.state, "paused");
    let acknowledged = false;
    const publish = client.publishAsync("x", "1", { qos: 1 }).then(() => {
      acknowledged = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(acknowledged, false);
    assert.equal(client.connected, true);
    await broker.resume();
    await publish;
    assert.equal(broker.state, "running");
    await broker.pause();
    await broker.stop();
    assert.equal(broker.state, "exited");
  });

  check("files are written before a reload and read again by it", async (_t, bench) => {
    const broker = await bench.start({
      conf: `${OPEN}acl_file /mosquitto/config/acl\n`,
      files: { acl: "topic read a/#\n" },
    });
    const client = await bench.client(broker);
    await client.subscribeAsync("a/#");
    const refused = await client.publishAsync("a/b", "1", { qos: 1 }).catch((error: Error) => error);
    assert.ok(refused instanceof Error, "v5 tells that it was not authorised");
    await broker.writeFile("/mosquitto/config/acl", "topic readwrite a/#\n");
    assert.equal(text(await broker.readFile("/mosquitto/config/acl")), "topic readwrite a/#\n");
    await broker.signal("SIGHUP");
    await broker.log.until(/Reloading config/);
    const message = next(client);
    await client.publishAsync("a/b", "2", { qos: 1 });
    assert.equal(await message, "a/b 2");
  });

  check("the configuration reads back as the learner wrote it", async (_t, bench) => {
    const broker = await bench.start({ conf: OPEN });
    assert.equal(text(await broker.readFile("/mosquitto/config/mosquitto.conf")), OPEN);
    const changed = `${OPEN}log_type all\n`;
    await broker.writeFile("/mosquitto/config/mosquitto.conf", changed);
    assert.equal(text(await broker.readFile("/mosquitto/config/mosquitto.conf")), changed);
    await broker.stop();
    await broker.start();
    await bench.client(broker);
    await fails("BAD_ARGUMENT", broker.readFile("/mosquitto/config/absent"));
  });

  check("include_dir brings in listeners of its own", async (_t, bench) => {
    const broker = await bench.start({
      conf: "allow_anonymous true\ninclude_dir /mosquitto/config/conf.d\n",
      files: { "conf.d/a.conf": "listener 1884\n", "conf.d/ignored.txt": "nonsense\n" },
    });
    assert.deepEqual(
      broker.listeners.map((listener) => listener.port),
      [1884],
    );
    await bench.client(broker);
  });

  check("a bridge between two brokers by addressFor", async (_t, bench) => {
    const hub = await bench.start({ name: "hub", conf: OPEN });
    const leaf = await bench.start({
      name: "leaf",
      conf: `${OPEN}
        connection up
        address ${hub.addressFor(1883)}
        remote_clientid leaf
        restart_timeout 1 2
        topic # out 1 "" site1/
      `.replace(/^ +/gm, ""),
    });
    const [watcher, sender] = [await bench.client(hub), await bench.client(leaf)];
    await watcher.subscribeAsync("site1/#");
    await hub.log.until(/as leaf/);
    await leaf.log.until(/Connecting bridge/);
    const message = next(watcher);
    await sender.publishAsync("temp", "7", { qos: 1 });
    assert.equal(await message, "site1/temp 7");
  });

  check("a bridge may name its hub before the hub is started", async (_t, bench) => {
    const leaf = await bench.start({
      name: "leaf",
      conf: `${OPEN}connection up\naddress hub:1883\nremote_clientid leaf\nrestart_timeout 1 2\ntopic # out 1\n`,
    });
    const hub = await bench.start({ name: "hub", conf: OPEN });
    await hub.log.until(/as leaf/, { timeout: 20_000 });
    assert.equal(leaf.state, "running");
  });

  check("the broker's own programs run beside it", async (t, bench) => {
    if (bench.lacks("mosquitto_sub")) return t.skip("mosquitto_sub is not installed");
    const broker = await bench.start({ conf: OPEN });
    const said = await broker.exec(["mosquitto_sub", "-t", "$SYS/broker/version", "-C", "1"]);
    assert.equal(said.exitCode, 0, said.stderr);
    assert.equal(said.stdout, `mosquitto version ${broker.version}\n`);
    const client = await bench.client(broker);
    await client.subscribeAsync("in");
    const message = next(client);
    const published = await broker.exec(["mosquitto_pub", "-t", "in", "-l"], { input: "from stdin\n" });
    assert.equal(published.exitCode, 0, published.stderr);
    assert.equal(await message, "in from stdin");
  });

  check("passwords are made by mosquitto_passwd and used after a reload", async (_t, bench) => {
    const broker = await bench.start({
      conf: "listener 1883\nallow_anonymous false\npassword_file /mosquitto/config/passwd\n",
      files: { passwd: "" },
    });
    const made = await broker.exec(["mosquitto_passwd", "-b", "/mosquitto/config/passwd", "ada", "secret"]);
    assert.equal(made.exitCode, 0, made.stderr);
    await broker.signal("SIGHUP");
    await broker.log.until(/Reloading config/);
    await bench.client(broker, 0, { username: "ada", password: "secret" });
    await assert.rejects(bench.client(broker, 0, { username: "ada", password: "wrong" }), /[Nn]ot authorized|password/);
  });

  check("a program that doesn't end is ended", async (t, bench) => {
    if (bench.lacks("mosquitto_sub")) return t.skip("mosquitto_sub is not installed");
    const broker = await bench.start({ conf: `${OPEN}log_type all\n` });
    const command = ["mosquitto_sub", "-i", "endless", "-t", "x"];
    await fails("TIMEOUT", broker.exec(command, { timeout: 600 }));
    await broker.log.until(/Client endless .*(disconnected|closed)/);
    const abort = new AbortController();
    const running = broker.exec(command, { signal: abort.signal });
    setTimeout(() => abort.abort(new Error("the learner gave up")), 300);
    await assert.rejects(running, /gave up/);
  });

  check("a program that isn't there is named", async (_t, bench) => {
    const broker = await bench.start({ conf: OPEN });
    const error = await fails("TOOL_FAILED", broker.exec(["mosquitto_nonsense"]));
    assert.match(error.message, /mosquitto_nonsense/);
  });

  check("a tool runs without any broker and brings files back", async (_t, bench) => {
    const result = await bench.engine.tool(
      {
        lab: LAB,
        mosquitto: "2.1",
        command: ["mosquitto_passwd", "-b", "/mosquitto/config/passwd", "eve", "pw"],
        files: planFiles({ passwd: "" }),
        collect: ["/mosquitto/config/passwd", "/mosquitto/config/absent"],
      },
      bench.scope,
    );
    assert.equal(result.exitCode, 0, result.stderr);
    assert.deepEqual([...result.files.keys()], ["/mosquitto/config/passwd"]);
    assert.match(text(result.files.get("/mosquitto/config/passwd")!), /^eve:\$7\$/);
    const failed = await bench.engine.tool(
      { lab: LAB, mosquitto: "2.1", command: ["mosquitto_passwd", "--nonsense"], files: [], collect: [] },
      bench.scope,
    );
    assert.notEqual(failed.exitCode, 0);
  });

  check("a named volume survives the broker that is replaced; other data goes", async (t, bench) => {
    const volume = `suite-${process.pid}`;
    t.after(() => bench.engine.removeVolume(LAB, volume));
    const conf = `${OPEN}persistence true\npersistence_location /mosquitto/data/\n`;
    for (const [kept, expected] of [
      [volume, "1"],
      [undefined, null],
    ] as const) {
      const first = await bench.start({ name: "store", conf, volume: kept });
      const client = await bench.client(first);
      await client.publishAsync("kept", "1", { retain: true, qos: 1 });
      await client.endAsync();
      await first.stop();
      await first.remove();
      const second = await bench.start({ name: "store", conf, volume: kept });
      assert.equal(await retained(await bench.client(second), "kept"), expected);
      await second.remove();
    }
    await bench.engine.removeVolume(LAB, volume);
    await bench.engine.removeVolume(LAB, volume);
    const third = await bench.start({ name: "store", conf, volume });
    assert.equal(await retained(await bench.client(third), "kept"), null);
    await third.remove();
  });

  check("remove leaves nothing, may be called twice, and ends the log", async (_t, bench) => {
    const broker = await bench.start({ conf: OPEN });
    assert.equal(await options.isThere(broker), true);
    const following = (async () => {
      for await (const _line of broker.log);
    })();
    await Promise.all([broker.remove(), broker.remove()]);
    await broker.remove();
    assert.equal(await options.isThere(broker), false);
    await following;
    await assert.rejects(bench.client(broker));
    await fails("NOT_IN_A_LAB", broker.start());
    const next = await bench.start({ conf: OPEN });
    await bench.client(next);
  });

  check("a paused broker can be removed", async (_t, bench) => {
    const broker = await bench.start({ conf: OPEN });
    await broker.pause();
    await broker.remove();
    assert.equal(await options.isThere(broker), false);
  });

  check("two scopes at once with the same names", async (t, bench) => {
    const other = await openScope(LAB);
    t.after(() => other.close());
    const [a, b] = await Promise.all([
      bench.start({ conf: OPEN }),
      bench.engine.start(planBroker(LAB, { conf: OPEN }), other),
    ]);
    assert.notEqual(a.listeners[0]!.url, b.listeners[0]!.url);
    await other.close();
    assert.equal(await options.isThere(b), false);
    await bench.client(a);
    await assert.rejects(bench.engine.start(planBroker(LAB, { conf: OPEN }), other), { code: "NOT_IN_A_LAB" });
  });

  check("a sweep leaves a living kernel's brokers alone", async (_t, bench) => {
    const broker = await bench.start({ conf: OPEN });
    await bench.engine.sweep();
    assert.equal(await options.isThere(broker), true);
    await bench.client(broker);
  });

  check("TLS listeners are ready when they shake hands, or refuse a stranger's certificate", async (_t, bench) => {
    const { certificate, key } = selfSigned();
    const identity = "certfile /mosquitto/config/tls.crt\nkeyfile /mosquitto/config/tls.key\n";
    const broker = await bench.start({
      conf: `allow_anonymous true\nlistener 8883\n${identity}listener 8884\n${identity}cafile /mosquitto/config/tls.crt\nrequire_certificate true\n`,
      files: { "tls.crt": certificate, "tls.key": key },
    });
    assert.deepEqual(
      broker.listeners.map(({ url }) => url.split(":")[0]),
      ["mqtts", "mqtts"],
    );
    await bench.client(broker, 0, { rejectUnauthorized: false });
    await bench.client(broker, 1, { rejectUnauthorized: false, cert: certificate, key });
    await assert.rejects(bench.client(broker, 1, { rejectUnauthorized: false }));
  });

  check("http_api is ready when it answers", async (t, bench) => {
    const { can } = await bench.engine.probe();
    if (!can.has("http_api")) return t.skip("this engine's Mosquitto has no http_api");
    const broker = await bench.start({ conf: `${OPEN}listener 9883\nprotocol http_api\n` });
    const response = await fetch(`${broker.listeners[1]!.url}/api/v1/version`);
    assert.equal(response.status, 200);
  });

  check("a listener that wants the PROXY protocol is ready", async (t, bench) => {
    const { can } = await bench.engine.probe();
    const since21 = can.has("http_api") || bench.engine.kind === "embedded";
    if (!since21) return t.skip("this engine's Mosquitto has no PROXY protocol");
    const conf =
      "allow_anonymous true\nlistener 1883\nenable_proxy_protocol 2\nlistener 1884\nenable_proxy_protocol 1\n";
    const broker = await bench.start({ conf });
    assert.equal(broker.listeners.length, 2);
  });

  check("without a configuration Mosquitto serves its own machine only", async (_t, bench) => {
    const broker = await bench.start({});
    await broker.log.until("Starting in local only mode");
    assert.equal(broker.listeners[0]!.port, 1883);
    if (bench.lacks("mosquitto_sub")) return;
    const said = await broker.exec(["mosquitto_sub", "-t", "$SYS/broker/version", "-C", "1"]);
    assert.equal(said.exitCode, 0, said.stderr);
  });

  check("two cells that start the same broker at once both get one", async (_t, bench) => {
    const [a, b] = await Promise.all([bench.start({ conf: OPEN }), bench.start({ name: "other", conf: OPEN })]);
    await Promise.all([bench.client(a), bench.client(b)]);
  });

  check("a scope that closes while a broker starts leaves nothing", async (_t, bench) => {
    const scope = await openScope(LAB);
    const starting = bench.engine.start(planBroker(LAB, { conf: OPEN }), scope).catch((error: unknown) => error);
    await scope.close();
    const outcome = await starting;
    if (!(outcome instanceof Error)) assert.equal(await options.isThere(outcome as EngineBroker), false);
    assert.deepEqual(await options.leftovers(scope), []);
  });

  check("a port of the machine that others use is never taken", async (t, bench) => {
    const server = createServer().listen(0, "127.0.0.1");
    t.after(() => server.close());
    const broker = await bench.start({ conf: OPEN });
    const { port } = server.address() as { port: number };
    assert.notEqual(broker.listeners[0]!.hostPort, port);
    assert.equal(broker.listeners[0]!.host, "127.0.0.1");
  });

  linkSuite(check);
}

/** One test's engine, scope and clients. */
export class Bench {
  constructor(
    readonly engine: Engine,
    readonly scope: Scope,
    readonly clients: Set<MqttClient>,
    readonly options: SuiteOptions,
  ) {}

  start(spec: BrokerSpec): Promise<EngineBroker> {
    return this.engine.start(planBroker(LAB, spec), this.scope);
  }

  lacks(program: string): boolean {
    return this.options.lacks?.has(program) ?? false;
  }

  async client(broker: EngineBroker, listener = 0, options: mqtt.IClientOptions = {}): Promise<MqttClient> {
    const client = await mqtt.connectAsync(
      broker.listeners[listener]!.url,
      {
        protocolVersion: 5,
        reconnectPeriod: 0,
        connectTimeout: 5_000,
        ...options,
      },
      false,
    );
    client.on("error", () => {});
    this.clients.add(client);
    return client;
  }
}

/** A certificate for localhost and its key, good for a day. */
function selfSigned(): { certificate: string; key: string } {
  const { publicKey, privateKey } = forge.pki.rsa.generateKeyPair(2048);
  const made = forge.pki.createCertificate();
  made.publicKey = publicKey;
  made.serialNumber = "01";
  made.validity.notBefore = new Date(Date.now() - 3_600_000);
  made.validity.notAfter = new Date(Date.now() + 86_400_000);
  const name = [{ name: "commonName", value: "localhost" }];
  made.setSubject(name);
  made.setIssuer(name);
  made.setExtensions([{ name: "basicConstraints", cA: true }]);
  made.sign(privateKey, forge.md.sha256.create());
  return { certificate: forge.pki.certificateToPem(made), key: forge.pki.privateKeyToPem(privateKey) };
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function next(client: MqttClient): Promise<string> {
  return new Promise((resolve) => {
    client.once("message", (topic, payload) => resolve(`${topic} ${payload}`));
  });
}

/** Whether nothing comes before the answer to a question asked after it. */
async function nothing(client: MqttClient): Promise<boolean> {
  let got = false;
  client.once("message", () => {
    got = true;
  });
  await client.publishAsync("sync", "1", { qos: 1 });
  await client.subscribeAsync("sync/none");
  return !got;
}

/** The retained value of a topic, or null. Retained messages come before the answer to the next request. */
async function retained(client: MqttClient, topic: string): Promise<string | null> {
  let value: string | null = null;
  const hear = (at: string, payload: Buffer) => {
    if (at === topic) value = payload.toString();
  };
  client.on("message", hear);
  await client.subscribeAsync(topic, { qos: 1 });
  await client.subscribeAsync("sync/none");
  client.off("message", hear);
  return value;
}

/** Waits until the database file is there: the log line comes before it is written. */
async function saved(broker: EngineBroker): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const found = await broker.readFile("/mosquitto/data/mosquitto.db").catch(() => null);
    if (found && text(found).includes("saved")) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("mosquitto.db was not written");
}

async function fails(code: LabErrorCode, act: Promise<unknown>): Promise<LabError> {
  const error = await act.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof LabError, `expected ${code}, got ${String(error)}`);
  assert.equal(error.code, code, error.message);
  assert.ok(error.hint.length > 5);
  return error;
}
