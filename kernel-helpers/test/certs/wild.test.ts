/** Certificates as one meets them: several names, addresses, keys that don't fit. Each says what is wrong, and where. */
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { connect, createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { type Authority, type Broker, type Certificate, type Lab, LabError, openLab } from "kernel-helpers";
import type { EngineKind } from "kernel-helpers/dist/brokers/engine";
import type { MosquittoRelease } from "kernel-helpers/dist/brokers/spec";
import { openAuthority } from "kernel-helpers/dist/certs/authority";
import type { Pair } from "kernel-helpers/dist/certs/authority-rsa";
import { makeCrl } from "kernel-helpers/dist/certs/authority-x509";
import { MemoryStore, type Wanted } from "kernel-helpers/dist/certs/store";
import { whyNoTls } from "./tls-here";

const TLS = `
allow_anonymous true
listener 8883
certfile /mosquitto/config/server.crt
keyfile /mosquitto/config/server.key
`;
const MUTUAL = `${TLS}cafile /mosquitto/config/ca.crt\nrequire_certificate true\n`;

const filesOf = (server: Certificate) => ({ "server.crt": server.chain, "server.key": server.key });

/** The same key, locked with the password "right". */
const locked = ({ key }: Certificate) =>
  createPrivateKey(Buffer.from(key)).export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "right",
  });

/** An authority's pairs, as its folder would hold them. */
class Watched extends MemoryStore {
  readonly pairs = new Map<string, Pair>();
  override async get(wanted: Wanted): Promise<Pair> {
    const pair = await super.get(wanted);
    this.pairs.set(wanted.recipe.file, pair);
    return pair;
  }
}

for (const engine of ["docker", "local", "embedded"] as const satisfies EngineKind[]) {
  for (const release of engine === "docker" ? (["2.1", "2.0.21"] as const) : [undefined]) {
    describe(`certificates that one meets, on ${engine}${release ? ` ${release}` : ""}`, () => suite(engine, release));
  }
}

function suite(engine: EngineKind, mosquitto: MosquittoRelease | undefined): void {
  let lab: Lab;
  let ca: Authority;
  let missing = "";
  before(async () => {
    missing = await whyNoTls(engine);
    if (missing) return;
    lab = await openLab("wild-certs-test", { engine });
    ca = await lab.authority();
  });
  after(() => lab?.close());
  const labTest = (name: string, body: () => Promise<void>) =>
    test(name, { timeout: 60_000 }, async (t) => (missing ? t.skip(missing) : body()));

  const start = (conf: string, files: Record<string, string | Uint8Array>) => lab.broker({ mosquitto, conf, files });
  /** "connected", or what the lab says of it. */
  const outcome = async (target: Broker | string, options: object = {}): Promise<string> => {
    try {
      await (await lab.client(target, { name: "attempt", ca: ca.certificate, ...options })).close();
      return "connected";
    } catch (error) {
      assert.ok(error instanceof LabError, `not a lab's error: ${error}`);
      assert.equal(error.code, "CONNECT_FAILED");
      return `${error.message}. ${error.hint}`;
    }
  };
  const foreign = /the certificate is for other hosts \(ERR_TLS_CERT_ALTNAME_INVALID\).*subject alternative names/;

  labTest("two names: either will do, and no third one", async () => {
    const broker = await start(TLS, filesOf(await ca.server("two", { hosts: ["a.example", "b.example"] })));
    for (const servername of ["a.example", "b.example"])
      assert.equal(await outcome(broker, { servername }), "connected");
    assert.match(await outcome(broker, { servername: "c.example" }), foreign);
    assert.match(await outcome(broker), foreign, "nor the address");
  });

  labTest("an address, of either kind, and not its name", async () => {
    const four = await start(TLS, filesOf(await ca.server("four", { hosts: ["127.0.0.1"] })));
    assert.equal(await outcome(four), "connected");
    assert.match(await outcome(four, { servername: "localhost" }), foreign);
    const six = await start(TLS, filesOf(await ca.server("six", { hosts: ["::1"] })));
    assert.match(await outcome(six), foreign);
    const { host, hostPort } = six.listeners[8883]!;
    const relay = createServer((near) => {
      const far = connect(hostPort, host);
      near.on("error", () => far.destroy()).pipe(far);
      far.on("error", () => near.destroy()).pipe(near);
    });
    const listening = await new Promise<boolean>((resolve) => {
      relay.once("error", () => resolve(false));
      relay.listen(0, "::1", () => resolve(true));
    });
    if (!listening) return; // this machine has no IPv6
    const { port } = relay.address() as { port: number };
    assert.equal(await outcome(`mqtts://[::1]:${port}`), "connected");
    await new Promise((resolve) => relay.close(resolve));
  });

  labTest("files that a broker can't use: which one, why, and what to do", async () => {
    const server = await ca.server("broker");
    const cases: [Record<string, string | Uint8Array>, RegExp, RegExp][] = [
      [
        { ...filesOf(server), "server.key": (await ca.server("other")).key },
        /key file "[^"]*server\.key"[\s\S]*values mismatch/,
        /another certificate/,
      ],
      [
        { ...filesOf(server), "server.crt": "no certificate" },
        /certificate "[^"]*server\.crt"[\s\S]*no start line/,
        /no PEM/,
      ],
      [{ "server.crt": server.chain }, /key file "[^"]*server\.key"[\s\S]*No such file/i, /broker's `files`/],
      [
        { ...filesOf(server), "server.key": locked(server) },
        /key file "[^"]*server\.key"[\s\S]*pass/,
        /locked with a password/,
      ],
    ];
    for (const [files, said, hint] of cases) {
      await assert.rejects(start(TLS, files), (error: LabError) => {
        assert.equal(error.code, "BROKER_EXITED");
        assert.match(error.message, /ended with exit code \d+ before it was ready: it cannot use a file of its TLS/);
        assert.match(error.message, said);
        assert.match(error.hint, hint);
        return true;
      });
    }
  });

  labTest("a client's key: locked, another's, and one with half a chain", async () => {
    const broker = await start(MUTUAL, { ...filesOf(await ca.server("broker")), "ca.crt": ca.certificate });
    const me = await ca.client("me");
    const own = { cert: me.chain, key: locked(me) };
    assert.equal(await outcome(broker, { ...own, passphrase: "right" }), "connected");
    assert.match(await outcome(broker, { ...own, passphrase: "wrong" }), /password is missing or wrong.*`passphrase`/);
    assert.match(await outcome(broker, own), /password is missing or wrong.*`passphrase`/);
    const others = { cert: me.chain, key: (await ca.client("you")).key };
    assert.match(await outcome(broker, others), /key does not belong to its certificate/);
    assert.match(await outcome(broker, { cert: "no PEM", key: me.key }), /is no PEM text/);
    assert.match(await outcome(broker, { cert: me.certificate, key: me.key }), /with its chain/);
  });

  labTest("a client with nothing newer than TLS 1.1", async () => {
    const broker = await start(TLS, filesOf(await ca.server("broker")));
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1" };
    const lines = broker.logs.lines.length;
    const said = await outcome(broker, { ...old, ciphers: "DEFAULT@SECLEVEL=0" });
    assert.match(said, /versions of TLS that this client offers.*`tls_version`|nothing newer than TLS 1\.1/);
    await broker.logs.until(/unsupported protocol|no suitable signature algorithm/, { after: lines });
    assert.match(await outcome(broker, { maxVersion: "TLSv1.1" }), /own settings leave it no version of TLS/);
  });

  labTest("an outdated revocation list shuts out everybody", async () => {
    const store = new Watched();
    const own = await openAuthority("outdated", store);
    const me = await own.client("me");
    const as = { ca: own.certificate, cert: me.chain, key: me.key };
    const files = { ...filesOf(await own.server("broker")), "ca.crt": own.certificate, "ca.crl": await own.revoke() };
    const broker = await start(`${MUTUAL}crlfile /mosquitto/config/ca.crl\n`, files);
    assert.equal(await outcome(broker, as), "connected");
    const old = await makeCrl(store.pairs.get("intermediate")!, new Map(), { from: -31, to: -1 });
    await broker.files.write("ca.crl", old);
    await broker.reload();
    await broker.logs.until(/Reloading config/);
    assert.match(await outcome(broker, as), /revocation list/);
  });
}
