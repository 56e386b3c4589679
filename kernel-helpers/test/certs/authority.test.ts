import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inspect, promisify } from "node:util";
import {
  type Authority,
  type Certificate,
  type CertificateFault,
  openAuthority,
} from "kernel-helpers/dist/certs/authority";
import { type Pair, serialNumber } from "kernel-helpers/dist/certs/authority-rsa";
import { type Recipe, recipe } from "kernel-helpers/dist/certs/profile";
import { FolderStore, type Wanted } from "kernel-helpers/dist/certs/store";
import { courseRoot } from "kernel-helpers/dist/core/paths";

const noOpenssl = spawnSync("openssl", ["version"]).error ? "no openssl on this machine" : false;

let root: string;
let store: FolderStore;
let ca: Authority;

before(async () => {
  root = mkdtempSync(join(tmpdir(), "mqtt-certs-"));
  store = new FolderStore(join(root, "out"));
  ca = await openAuthority("plant", store);
});

after(() => rmSync(root, { recursive: true, force: true }));

/** What `openssl verify` says of a certificate and its chain: "OK", or its reason. */
function verify(one: Certificate, options: string[] = [], trusted = ca.certificate): string {
  const file = (name: string, content: string) => {
    const path = join(root, name);
    writeFileSync(path, content);
    return path;
  };
  const above = one.chain.slice(one.certificate.length);
  const purpose = one.kind === "server" ? "sslserver" : "sslclient";
  const args = ["-CAfile", file("ca.crt", trusted), "-untrusted", file("above.crt", above), "-purpose", purpose];
  const said = spawnSync(
    "openssl",
    ["verify", "-x509_strict", ...args, ...options, file("leaf.crt", one.certificate)],
    {
      encoding: "utf8",
    },
  );
  if (said.status === 0) return said.stdout.trim().endsWith("OK") ? "OK" : said.stdout;
  return /error \d+ at \d+ depth lookup: (.*)/.exec(said.stderr)?.[1] ?? said.stderr;
}

const HOSTS = [
  ["-verify_hostname", "localhost"],
  ["-verify_hostname", "broker"],
  ["-verify_ip", "127.0.0.1"],
  ["-verify_ip", "::1"],
];

test("openssl verifies each good one, strictly, for each of its hosts", { skip: noOpenssl }, async () => {
  for (const key of ["RSA", "EC"] as const) {
    const server = await ca.server("broker", { key });
    for (const host of HOSTS) assert.equal(verify(server, host), "OK", `${key} ${host.join(" ")}`);
    assert.equal(verify(await ca.client("sensor-1", { key })), "OK", key);
  }
});

const REASONS: Record<CertificateFault, RegExp> = {
  expired: /^certificate has expired$/,
  "not-yet-valid": /^certificate is not yet valid$/,
  "wrong-host": /^IP address mismatch$/,
  "no-hosts": /^IP address mismatch$/,
  "wrong-usage": /^unsuitable certificate purpose$|^unsupported certificate purpose$/,
  "expired-intermediate": /^certificate has expired$/,
  revoked: /^certificate revoked$/,
};

test("openssl says no to each bad one, for the reason it was made for", { skip: noOpenssl }, async () => {
  for (const [fault, reason] of Object.entries(REASONS) as [CertificateFault, RegExp][]) {
    for (const key of ["RSA", "EC"] as const) {
      const one = await ca.server("broker", { fault, key });
      const options = ["-verify_ip", "127.0.0.1"];
      if (fault === "revoked") {
        assert.equal(verify(one, options), "OK", "without the list nobody knows");
        writeFileSync(join(root, "ca.crl"), await ca.revoke());
        options.push("-crl_check", "-CRLfile", join(root, "ca.crl"));
        assert.equal(verify(await ca.server("broker", { key }), options), "OK", "the others are not on the list");
      }
      assert.match(verify(one, options), reason, `${fault} ${key}`);
    }
  }
  for (const fault of ["expired", "not-yet-valid", "wrong-usage", "expired-intermediate"] as const) {
    assert.match(verify(await ca.client("sensor-1", { fault })), REASONS[fault], `client ${fault}`);
  }
});

test("an expired intermediate is all that is wrong with its chain", { skip: noOpenssl }, async () => {
  const one = await ca.server("broker", { fault: "expired-intermediate" });
  assert.ok(one.validTo.getTime() > Date.now());
  const mended = { ...one, chain: one.certificate + ca.intermediate };
  assert.equal(verify(mended, ["-verify_ip", "127.0.0.1"]), "OK");
});

test("an authority of another name is a stranger, and revokes only what is its own", { skip: noOpenssl }, async () => {
  const stranger = await openAuthority("stranger", store);
  const one = await stranger.server("broker");
  assert.match(verify(one), /unable to get issuer certificate|unable to get local issuer certificate/);
  assert.equal(verify(one, [], stranger.certificate), "OK");
  await assert.rejects(ca.revoke(one), { code: "BAD_ARGUMENT" });
});

test("a revocation list names what was revoked, and OpenSSL reads it", { skip: noOpenssl }, async () => {
  const own = await openAuthority("plant", store);
  const sensor = await own.client("sensor-9");
  const text = (pem: string) => execFileSync("openssl", ["crl", "-noout", "-text"], { input: pem, encoding: "utf8" });
  assert.match(text(await own.revoke()), /No Revoked Certificates/);
  const listed = text(await own.revoke(sensor, sensor));
  assert.match(listed, new RegExp(`Serial Number: ${sensor.serial}`, "i"));
  assert.match(listed, /Signature Algorithm: sha256WithRSAEncryption/);
  assert.match(listed, /X509v3 CRL Number/);
});

test("X.509 version 3: SHA-256, names, usages and key identifiers, critical where they must be", {
  skip: noOpenssl,
}, async () => {
  for (const key of ["RSA", "EC"] as const) {
    const { certificate } = await ca.server("broker", { key });
    const said = execFileSync("openssl", ["x509", "-noout", "-text"], { input: certificate, encoding: "utf8" });
    assert.match(said, /Version: 3/);
    assert.match(said, /Signature Algorithm: sha256WithRSAEncryption/);
    assert.match(said, /Basic Constraints: critical\s+CA:FALSE/);
    assert.match(said, /Key Usage: critical\s+Digital Signature/);
    assert.match(said, /TLS Web Server Authentication/);
    assert.match(said, /DNS:localhost, IP Address:127\.0\.0\.1, IP Address:0:0:0:0:0:0:0:1, DNS:broker/);
    assert.match(said, /Subject Key Identifier/);
    const above = execFileSync("openssl", ["x509", "-noout", "-ext", "subjectKeyIdentifier"], {
      input: ca.intermediate,
      encoding: "utf8",
    });
    const id = /([0-9A-F]{2}:){19}[0-9A-F]{2}/.exec(above)?.[0] ?? "none";
    assert.match(said, new RegExp(`Authority Key Identifier:\\s+(keyid:)?${id}`));
    const { validFrom } = new X509Certificate(certificate);
    assert.ok(Date.parse(validFrom) < Date.now() - 23 * 3_600_000, "it began before skewed clocks");
  }
});

test("serial numbers are positive, of one length, and never the same", () => {
  const numbers = Array.from({ length: 500 }, serialNumber);
  assert.equal(new Set(numbers).size, 500);
  for (const one of numbers) assert.match(one, /^[4-7][0-9a-f]{31}$/);
});

test("no handle shows a key, however it is printed", async () => {
  const certificates = [await ca.server("broker"), await ca.client("sensor-1", { key: "EC" })];
  const secret = Buffer.from(certificates[0]!.key).toString("latin1");
  assert.match(secret, /^-----BEGIN PRIVATE KEY-----/);
  const shown = certificates.flatMap((one) => [
    inspect(one),
    inspect({ deep: { one: [one] } }, { depth: 9, showHidden: true }),
    inspect({ ...one }, { depth: 9, showHidden: true }),
    JSON.stringify({ ...one }),
    JSON.stringify(one),
    `${one.key}`,
    `${one.key.toString("utf8")}${one.key.toLocaleString()}`,
    inspect(one.key, { showHidden: true }),
    one.chain,
  ]);
  shown.push(inspect(ca, { depth: 9, showHidden: true }), JSON.stringify(ca));
  const lines = secret.split("\n").filter((line) => line.length > 30 && !line.includes("PRIVATE"));
  for (const text of shown) {
    assert.ok(!text.includes("PRIVATE KEY"), text.slice(0, 200));
    assert.ok(!lines.some((line) => text.includes(line)), text.slice(0, 200));
    assert.ok(!text.includes("45,45,45,66") && !text.includes("2d 2d 2d"), text.slice(0, 200));
  }
  assert.match(inspect(certificates[0]), /^server certificate of broker · for localhost, .* · valid until /);
});

test("what it makes is for this user only, and kept: the second time is quick", async () => {
  const folder = join(root, "out", "plant");
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(join(root, "out")).mode & 0o777, 0o700);
  for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
  const again = await openAuthority("plant", store);
  assert.equal(again.certificate, ca.certificate);
  assert.equal((await again.server("broker")).serial, (await ca.server("broker")).serial);
  assert.notEqual(
    (await again.server("broker", { hosts: ["other.example"] })).serial,
    (await ca.server("broker")).serial,
  );
});

test("two kernels that need it at the same time get the same one", async () => {
  const module = (name: string) => JSON.stringify(join(courseRoot, "kernel-helpers", "dist", "certs", name));
  const program = `
    const { openAuthority } = require(${module("authority")});
    const { FolderStore } = require(${module("store")});
    openAuthority("shared", new FolderStore(${JSON.stringify(join(root, "shared"))}))
      .then((ca) => ca.server("broker"))
      .then((one) => process.stdout.write(one.chain));`;
  const run = () => promisify(execFile)(process.execPath, ["-e", program]);
  const [a, b, c] = await Promise.all([run(), run(), run()]);
  assert.match(a!.stdout, /BEGIN CERTIFICATE/);
  assert.equal(a!.stdout, b!.stdout);
  assert.equal(a!.stdout, c!.stdout);
  const left = readdirSync(join(root, "shared", "shared")).filter((name) => !name.endsWith(".pem"));
  assert.deepEqual(left, []);
});

test("what is damaged, changed, or soon over is made anew", async () => {
  const path = join(root, "out", "plant", "server.renewed.pem");
  const serial = async () => (await ca.server("renewed")).serial;
  const first = await serial();
  const text = readFileSync(path, "latin1");
  const damages = [
    "",
    text.slice(0, text.length / 2),
    text.replace("-----BEGIN CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\nAAAA"),
    text.replace(/Recipe: ./, "Recipe: x"),
    // Somebody else's key: it belongs to another certificate.
    text.replace(
      /-----BEGIN PRIVATE[\s\S]*END PRIVATE KEY-----\n/,
      Buffer.from((await ca.client("other")).key).toString(),
    ),
  ];
  const seen = new Set([first]);
  for (const damaged of damages) {
    writeFileSync(path, damaged);
    const made = await serial();
    assert.ok(!seen.has(made), "it was made anew");
    seen.add(made);
    assert.equal(await serial(), made, "and then kept");
  }
});

test("a certificate that ends within a week, and one of another profile, is made anew", async () => {
  let made = 0;
  const base = recipe("plant", "server", "soon");
  const rsa = await import("kernel-helpers/dist/certs/authority-rsa");
  const wanted = (change: Partial<Recipe>): Wanted => {
    const own = { ...base, file: "soon", ...change };
    const make = async (): Promise<Pair> => {
      made++;
      return rsa.makeRsa(own, null);
    };
    return { recipe: own, issuer: null, make };
  };
  const count = async (change: Partial<Recipe>) => {
    const before = made;
    await store.get(wanted(change));
    return made - before;
  };
  assert.equal(await count({ days: { from: -1, to: 3 } }), 1);
  assert.equal(await count({ days: { from: -1, to: 3 } }), 1, "it ends within a week");
  assert.equal(await count({ days: { from: -1, to: 30 } }), 1, "another profile");
  assert.equal(await count({ days: { from: -1, to: 30 } }), 0, "that one stays");
  assert.equal(await count({ days: { from: -1, to: 30 }, hosts: ["new"] }), 1, "another name");
  assert.equal(await count({ days: { from: -3, to: -1 } }), 1);
  assert.equal(await count({ days: { from: -3, to: -1 } }), 0, "one that is to be over may stay");
  assert.equal(await count({ days: { from: 3, to: 30 } }), 1);
  assert.equal(await count({ days: { from: 3, to: 30 } }), 1, "one that is not to be valid yet, and soon is");
});

test("names that could leave the folder, and unknown faults, are refused", async () => {
  for (const name of ["../x", "", "a/b", ".hidden", "a b", "x".repeat(65), "-x"]) {
    await assert.rejects(openAuthority(name, store), { code: "BAD_ARGUMENT" }, name);
    await assert.rejects(ca.server(name), { code: "BAD_ARGUMENT" }, name);
  }
  await assert.rejects(ca.server("broker", { fault: "sleepy" as CertificateFault }), /there is no fault "sleepy"/);
  await assert.rejects(ca.server("broker", { hosts: ["two words"] }), { code: "BAD_ARGUMENT" });
});

test("a course that can't be written to keeps what it makes as long as the kernel lives", {
  skip: process.platform !== "linux" && "needs a folder that nobody can write to",
}, async () => {
  const own = await openAuthority("unwritten", new FolderStore("/sys/mqtt-notebooks"));
  const again = await openAuthority("unwritten", new FolderStore("/sys/mqtt-notebooks"));
  assert.equal(own.certificate, again.certificate);
});

test("a check's own authority lies in no file", async () => {
  const own = await openAuthority("in-memory-only", "memory");
  assert.equal((await openAuthority("in-memory-only", "memory")).certificate, own.certificate);
  assert.throws(() => statSync(join(courseRoot, "certs", "out", "in-memory-only")));
});

test("git ignores what is made, and holds no private key", { skip: noGit() }, () => {
  const git = (...args: string[]) => spawnSync("git", args, { cwd: courseRoot, encoding: "utf8" });
  assert.equal(git("check-ignore", "certs/out/plant/root.pem").status, 0);
  const found = git("grep", "-lE", "BEGIN ([A-Z]+ )?PRIVATE KEY-----.[A-Za-z0-9+/]{20}|^MI[IG][A-Za-z0-9+/]{40}");
  assert.equal(found.stdout, "");
});

function noGit(): string | false {
  const inside = spawnSync("git", ["rev-parse", "--is-inside-work-tree"], { cwd: courseRoot });
  return inside.status === 0 ? false : "not a git working tree";
}
