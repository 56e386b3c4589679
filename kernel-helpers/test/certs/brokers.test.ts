import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connect as connectTls, type PeerCertificate } from "node:tls";
import { type Authority, type Broker, type Certificate, type Lab, LabError, openLab } from "kernel-helpers";
import type { EngineKind } from "kernel-helpers/dist/brokers/engine";
import type { MosquittoRelease } from "kernel-helpers/dist/brokers/spec";
import { whyNoTls } from "./tls-here";

const TLS = `
allow_anonymous true
listener 8883
certfile /mosquitto/config/server.crt
keyfile /mosquitto/config/server.key
`;

const MUTUAL = `
listener 8883
certfile /mosquitto/config/server.crt
keyfile /mosquitto/config/server.key
cafile /mosquitto/config/ca.crt
crlfile /mosquitto/config/ca.crl
require_certificate true
use_identity_as_username true
acl_file /mosquitto/config/acl
`;

/** The code that a client's attempt ends with; "connected" when it doesn't. */
async function outcome(lab: Lab, broker: Broker, options: object): Promise<string> {
  try {
    const client = await lab.client(broker, { name: "attempt", ...options });
    await client.close();
    return "connected";
  } catch (error) {
    assert.ok(error instanceof LabError, String(error));
    const { code } = Object(error.cause) as { code?: unknown };
    return String(code ?? error.message);
  }
}

const filesOf = (server: Certificate) => ({ "server.crt": server.chain, "server.key": server.key });

/** The certificate that a listener shows right now. */
const shown = (broker: Broker): Promise<PeerCertificate> =>
  new Promise((resolve, reject) => {
    const { host, hostPort } = broker.listeners[8883]!;
    const socket = connectTls({ host, port: hostPort, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.on("error", reject);
  });

for (const engine of ["docker", "local", "embedded"] as const satisfies EngineKind[]) {
  for (const release of engine === "docker" ? (["2.1", "2.0.21", "2.0.11"] as const) : [undefined]) {
    describe(`certificates on ${engine}${release ? ` ${release}` : ""}`, () => {
      suite(engine, release);
    });
  }
}

function suite(engine: EngineKind, mosquitto: MosquittoRelease | undefined): void {
  let lab: Lab;
  let ca: Authority;
  let missing = "";
  before(async () => {
    missing = await whyNoTls(engine);
    if (missing) return;
    lab = await openLab("certs-test", { engine });
    ca = await lab.authority();
  });
  after(() => lab?.close());
  const labTest = (name: string, body: () => Promise<void>) =>
    test(name, async (t) => (missing ? t.skip(missing) : body()));

  const start = async (server: Certificate) => lab.broker({ mosquitto, conf: TLS, files: filesOf(server) });

  labTest("a client with the authority's root gets in, by RSA and by EC, by address and by name", async () => {
    for (const key of ["RSA", "EC"] as const) {
      const broker = await start(await ca.server("broker", { key }));
      assert.match(broker.url, /^mqtts:/);
      assert.equal(await outcome(lab, broker, { ca: ca.certificate }), "connected");
      assert.equal(await outcome(lab, broker, { ca: ca.certificate, servername: "broker" }), "connected");
      assert.equal(
        await outcome(lab, broker, { ca: ca.certificate, servername: "other" }),
        "ERR_TLS_CERT_ALTNAME_INVALID",
      );
    }
  });

  labTest("the key is there for the broker only", async () => {
    if (engine !== "docker") return;
    const broker = await start(await ca.server("broker"));
    const { stdout } = await broker.exec("ls", "-ln", "/mosquitto/config/server.key");
    assert.match(stdout, /^-rw-------\s+1\s+1883\s+1883\s/);
    await broker.files.write("server.key", (await ca.server("broker")).key);
    assert.match((await broker.exec("ls", "-ln", "/mosquitto/config/server.key")).stdout, /^-rw-------\s+1\s+1883\s/);
  });

  labTest("each faulty certificate fails with its own code", async () => {
    const codes: Record<string, string> = {};
    for (const fault of ["expired", "not-yet-valid", "wrong-host", "no-hosts", "wrong-usage"] as const) {
      const broker = await start(await ca.server("broker", { fault }));
      codes[fault] = await outcome(lab, broker, { ca: ca.certificate });
    }
    const stale = await start(await ca.server("broker", { fault: "expired-intermediate" }));
    codes["expired-intermediate"] = await outcome(lab, stale, { ca: ca.certificate });
    const broker = await start(await ca.server("broker"));
    codes.stranger = await outcome(lab, broker, { ca: (await lab.authority("stranger")).certificate });
    codes.nobody = await outcome(lab, broker, {});
    assert.deepEqual(codes, {
      expired: "CERT_HAS_EXPIRED",
      "not-yet-valid": "CERT_NOT_YET_VALID",
      "wrong-host": "ERR_TLS_CERT_ALTNAME_INVALID",
      "no-hosts": "ERR_TLS_CERT_ALTNAME_INVALID",
      "wrong-usage": "INVALID_PURPOSE",
      "expired-intermediate": "CERT_HAS_EXPIRED",
      stranger: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
      nobody: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    });
  });

  labTest("mutual TLS: who a client is, the certificate says; the list shuts out", async () => {
    const sensor = await ca.client("sensor-1");
    const broker = await lab.broker({
      mosquitto,
      conf: MUTUAL,
      files: {
        ...filesOf(await ca.server("broker")),
        "ca.crt": ca.certificate,
        "ca.crl": await ca.revoke(),
        acl: "pattern readwrite dev/%u/#\n",
      },
    });
    const as = ({ chain, key }: Certificate) => ({ ca: ca.certificate, cert: chain, key });
    const client = await lab.client(broker, { clientId: "s1", ...as(sensor) });
    await client.mqtt.subscribeAsync("dev/#", { qos: 1 });
    await client.mqtt.publishAsync("dev/sensor-1/temp", "21", { qos: 1 });
    assert.equal((await client.next()).topic, "dev/sensor-1/temp");
    await assert.rejects(client.mqtt.publishAsync("dev/sensor-2/temp", "21", { qos: 1 }), /Not authorized/);
    const refused = async (options: object) => assert.notEqual(await outcome(lab, broker, options), "connected");
    await refused({ ca: ca.certificate });
    for (const fault of ["expired", "wrong-usage"] as const) await refused(as(await ca.client("sensor-1", { fault })));
    await refused(as(await (await lab.authority("stranger")).client("sensor-1")));
    assert.equal(await outcome(lab, broker, as(sensor)), "connected");
    await broker.files.write("ca.crl", await ca.revoke(sensor));
    await broker.reload();
    await broker.logs.until(/Reloading config/);
    await refused(as(sensor));
    assert.equal(await outcome(lab, broker, as(await ca.client("sensor-2"))), "connected");
  });

  labTest("rotation: another certificate after a reload, and nobody is thrown out", async () => {
    const broker = await start(await ca.server("broker"));
    const client = await lab.client(broker, { clientId: "stays", ca: ca.certificate });
    const before = await shown(broker);
    const next = await ca.server("broker", { hosts: ["127.0.0.1", "localhost", "renewed"] });
    await broker.files.write("server.crt", next.chain);
    await broker.files.write("server.key", next.key);
    await broker.reload();
    await broker.logs.until(/Reloading config/);
    assert.equal(await outcome(lab, broker, { ca: ca.certificate, servername: "renewed" }), "connected");
    assert.notEqual((await shown(broker)).serialNumber, before.serialNumber);
    await client.settled();
  });
}
