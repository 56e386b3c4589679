/** RSA keys and the certificates of RSA keys, by node-forge. Loaded when the first one has to be made. */
import { createPrivateKey, randomBytes } from "node:crypto";
import { isIP } from "node:net";
import type { pki } from "node-forge";
import type { Recipe } from "./profile";

/** A private key (PKCS #8) and its certificate, both PEM. */
export interface Pair {
  readonly key: string;
  readonly certificate: string;
}

const DAY = 86_400_000;

/** When a certificate made now begins and ends. */
export function validity({ days }: Pick<Recipe, "days">, now = Date.now()): { from: Date; to: Date } {
  return { from: new Date(now + days.from * DAY), to: new Date(now + days.to * DAY) };
}

/** 16 random bytes in hex; positive and of one length, for the first is 0x40 to 0x7f (RFC 5280, 4.1.2.2). */
export function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = 0x40 | (bytes[0]! & 0x3f);
  return bytes.toString("hex");
}

/**
 * @param issuer whose key signs; null signs with its own.
 * @param keyOf a pair whose key the new certificate certifies again (renewal); default a new key.
 */
export async function makeRsa(recipe: Recipe, issuer: Pair | null, keyOf?: Pair): Promise<Pair> {
  const { pki: make, md } = await import("node-forge");
  const keys = await keyPair(make, recipe, keyOf);
  const certificate = make.createCertificate();
  const { from, to } = validity(recipe);
  const above = issuer ? make.certificateFromPem(issuer.certificate) : certificate;
  const subject = [{ name: "commonName", value: recipe.commonName }];
  certificate.publicKey = keys.publicKey;
  certificate.serialNumber = serialNumber();
  certificate.validity.notBefore = from;
  certificate.validity.notAfter = to;
  certificate.setSubject(subject);
  certificate.setIssuer(issuer ? above.subject.attributes : subject);
  certificate.setExtensions(extensions(recipe, above.generateSubjectKeyIdentifier().getBytes()));
  const signer = issuer ? make.privateKeyFromPem(pkcs1(issuer.key)) : keys.privateKey;
  // node-forge signs with SHA-1 unless it is told otherwise, and OpenSSL refuses that since long.
  certificate.sign(signer, md.sha256.create());
  return { key: pkcs8(make.privateKeyToPem(keys.privateKey)), certificate: lines(make.certificateToPem(certificate)) };
}

function keyPair(make: typeof pki, recipe: Recipe, keyOf?: Pair): Promise<pki.rsa.KeyPair> {
  if (keyOf) {
    const privateKey = make.privateKeyFromPem(pkcs1(keyOf.key)) as pki.rsa.PrivateKey;
    return Promise.resolve({ privateKey, publicKey: make.setRsaPublicKey(privateKey.n, privateKey.e) });
  }
  const bits = recipe.key.kind === "RSA" ? recipe.key.bits : 2048;
  return new Promise((resolve, reject) =>
    make.rsa.generateKeyPair({ bits }, (error, pair) => (error ? reject(error) : resolve(pair))),
  );
}

function extensions(recipe: Recipe, issuerKey: string): object[] {
  const { kind, usages, purposes, hosts, pathLength } = recipe;
  const isAuthority = kind === "authority";
  const flags = (words: readonly string[]) => Object.fromEntries(words.map((word) => [word, true]));
  return [
    {
      name: "basicConstraints",
      critical: true,
      cA: isAuthority,
      ...(pathLength === null ? {} : { pathLenConstraint: pathLength }),
    },
    { name: "keyUsage", critical: true, ...flags(usages) },
    ...(purposes.length ? [{ name: "extKeyUsage", ...flags(purposes) }] : []),
    ...(hosts.length ? [{ name: "subjectAltName", altNames: hosts.map(altName) }] : []),
    { name: "subjectKeyIdentifier" },
    { name: "authorityKeyIdentifier", keyIdentifier: issuerKey },
  ];
}

/** RFC 5280, 4.2.1.6: 2 is a DNS name, 7 an address. */
const altName = (host: string): object => (isIP(host) ? { type: 7, ip: host } : { type: 2, value: host });

const pkcs8 = (pem: string): string => createPrivateKey(pem).export({ type: "pkcs8", format: "pem" }) as string;
const pkcs1 = (pem: string): string => createPrivateKey(pem).export({ type: "pkcs1", format: "pem" }) as string;
const lines = (pem: string): string => pem.replace(/\r\n/g, "\n");
