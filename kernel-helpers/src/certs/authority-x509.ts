/** What node-forge lacks, by @peculiar/x509: certificates of EC keys, and revocation lists. Loaded when first needed. */
import { createPrivateKey, type webcrypto as types, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import type { Pair } from "./authority-rsa";
import { serialNumber, validity } from "./authority-rsa";
import type { Days, Recipe } from "./profile";

const SIGNING = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const DAY = 86_400_000;
const CRL_NUMBER = "2.5.29.20";

/** The package registers itself with decorators that need this polyfill, loaded before it. */
async function library() {
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  x509.cryptoProvider.set(webcrypto);
  return x509;
}

/** A certificate of a new EC key, signed by an RSA issuer. */
export async function makeEc(recipe: Recipe, issuer: Pair): Promise<Pair> {
  const x509 = await library();
  const curve = recipe.key.kind === "EC" ? recipe.key.curve : "P-256";
  const algorithm = { name: "ECDSA", namedCurve: curve };
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as types.CryptoKeyPair;
  const above = new x509.X509Certificate(issuer.certificate);
  const { from, to } = validity(recipe);
  const flags = recipe.usages
    // An EC key can't encipher: that usage is RSA's (RFC 8446, 4.4.2.2 asks for digitalSignature).
    .filter((usage) => usage !== "keyEncipherment")
    .reduce((sum, usage) => sum | x509.KeyUsageFlags[usage as keyof typeof x509.KeyUsageFlags], 0);
  const hosts = recipe.hosts.map((value) => ({ type: isIP(value) ? ("ip" as const) : ("dns" as const), value }));
  const purposes = recipe.purposes.map((name) => x509.ExtendedKeyUsage[name as "serverAuth" | "clientAuth"]);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${recipe.commonName}`,
    issuer: above.subject,
    notBefore: from,
    notAfter: to,
    publicKey: keys.publicKey,
    signingKey: await signingKey(issuer),
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(flags, true),
      new x509.ExtendedKeyUsageExtension(purposes),
      ...(hosts.length ? [new x509.SubjectAlternativeNameExtension(hosts)] : []),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(above.publicKey),
    ],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  const pem = createPrivateKey({ key, format: "der", type: "pkcs8" }).export({ type: "pkcs8", format: "pem" });
  return { key: pem as string, certificate: ended(certificate.toString("pem")) };
}

/**
 * A revocation list (RFC 5280, 5), PEM.
 * @param revoked serial numbers in hex, with the moment of each.
 * @param days from when and until when it holds. Default: it began a day ago, for clocks that are behind, and ends in 30.
 */
export async function makeCrl(
  issuer: Pair,
  revoked: ReadonlyMap<string, Date>,
  days: Days = { from: -1, to: 30 },
): Promise<string> {
  const x509 = await library();
  const above = new x509.X509Certificate(issuer.certificate);
  const now = Date.now();
  const list = await x509.X509CrlGenerator.create({
    issuer: above.subject,
    thisUpdate: new Date(now + days.from * DAY),
    nextUpdate: new Date(now + days.to * DAY),
    entries: [...revoked].map(([number, date]) => ({
      serialNumber: number,
      revocationDate: date,
      reason: x509.X509CrlReason.keyCompromise,
    })),
    extensions: [
      await x509.AuthorityKeyIdentifierExtension.create(above.publicKey),
      new x509.Extension(CRL_NUMBER, false, Uint8Array.of(0x02, 6, ...sixBytes(now))),
    ],
    signingKey: await signingKey(issuer),
    signingAlgorithm: SIGNING,
  });
  // The library's own label for it is "CRL", which OpenSSL doesn't look for (RFC 7468, 7).
  return ended(x509.PemConverter.encode(list.rawData, "X509 CRL"));
}

/** Rises from list to list (RFC 5280, 5.2.3): the time in milliseconds. */
function sixBytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(value, 0, 6);
  return bytes;
}

async function signingKey({ key }: Pair): Promise<types.CryptoKey> {
  const der = createPrivateKey(key).export({ type: "pkcs8", format: "der" });
  return webcrypto.subtle.importKey("pkcs8", der, SIGNING, false, ["sign"]);
}

const ended = (pem: string): string => `${pem.replace(/\r\n/g, "\n").trimEnd()}\n`;
