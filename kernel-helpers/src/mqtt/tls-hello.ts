/** What TLS says in clear: handshake messages and alerts, taken apart as far as a lesson needs them (RFC 5246, RFC 8446). */
import { X509Certificate } from "node:crypto";

/** A message of a handshake, or an alert, that anybody on the way can read. */
export interface TlsMessage {
  /** "ClientHello", "Certificate", "alert unknown_ca". */
  readonly name: string;
  /** What a reader learns from it, in words. */
  readonly says: readonly string[];
  /** ClientHello: the name of the host that is wanted (SNI). */
  readonly serverName?: string;
  /** ClientHello: the protocols it offers inside; ServerHello of TLS 1.2: the chosen one (ALPN). */
  readonly alpn?: readonly string[];
  /** ClientHello: all it offers; ServerHello: the chosen one. */
  readonly versions?: readonly string[];
  /** ServerHello: the chosen cipher suite. */
  readonly cipher?: string;
  /** Certificate: the names in it, the sender's own first. */
  readonly certificates?: readonly { readonly subject: string; readonly issuer: string; readonly validTo: Date }[];
}

const VERSIONS: Readonly<Record<number, string>> = {
  768: "SSL 3.0",
  769: "TLS 1.0",
  770: "TLS 1.1",
  771: "TLS 1.2",
  772: "TLS 1.3",
};

const HANDSHAKES: Readonly<Record<number, string>> = {
  0: "HelloRequest",
  1: "ClientHello",
  2: "ServerHello",
  4: "NewSessionTicket",
  8: "EncryptedExtensions",
  11: "Certificate",
  12: "ServerKeyExchange",
  13: "CertificateRequest",
  14: "ServerHelloDone",
  15: "CertificateVerify",
  16: "ClientKeyExchange",
  20: "Finished",
  22: "CertificateStatus",
};

const CIPHERS: Readonly<Record<number, string>> = {
  4865: "TLS_AES_128_GCM_SHA256",
  4866: "TLS_AES_256_GCM_SHA384",
  4867: "TLS_CHACHA20_POLY1305_SHA256",
  49195: "ECDHE-ECDSA-AES128-GCM-SHA256",
  49196: "ECDHE-ECDSA-AES256-GCM-SHA384",
  49199: "ECDHE-RSA-AES128-GCM-SHA256",
  49200: "ECDHE-RSA-AES256-GCM-SHA384",
  52392: "ECDHE-RSA-CHACHA20-POLY1305",
  52393: "ECDHE-ECDSA-CHACHA20-POLY1305",
};

const ALERTS: Readonly<Record<number, string>> = {
  0: "close_notify",
  10: "unexpected_message",
  20: "bad_record_mac",
  40: "handshake_failure",
  42: "bad_certificate",
  43: "unsupported_certificate",
  44: "certificate_revoked",
  45: "certificate_expired",
  46: "certificate_unknown",
  47: "illegal_parameter",
  48: "unknown_ca",
  50: "decode_error",
  51: "decrypt_error",
  70: "protocol_version",
  71: "insufficient_security",
  80: "internal_error",
  112: "unrecognized_name",
  116: "certificate_required",
  120: "no_application_protocol",
};

export const versionName = (code: number): string => VERSIONS[code] ?? `0x${code.toString(16).padStart(4, "0")}`;

export function alertMessage(bytes: Uint8Array): TlsMessage {
  const [level = 0, code = 0] = bytes;
  const name = ALERTS[code] ?? `${code}`;
  return { name: `alert ${name}`, says: [level === 2 ? "fatal: the connection ends" : "a warning"] };
}

/** A whole handshake message: its type, three bytes of length, its body. What makes no sense has a name only. */
export function handshakeMessage(bytes: Uint8Array): TlsMessage {
  const type = bytes[0] ?? -1;
  const name = HANDSHAKES[type] ?? `handshake message ${type}`;
  try {
    const body = new Reader(bytes.subarray(4));
    if (type === 1) return { name, ...clientHello(body) };
    if (type === 2) return serverHello(body);
    if (type === 11) return { name, ...certificates(body) };
  } catch {
    return { name, says: ["it can't be read"] };
  }
  return { name, says: [] };
}

function clientHello(body: Reader): Omit<TlsMessage, "name"> {
  const legacy = body.number(2);
  body.take(32);
  body.vector(1);
  body.vector(2);
  body.vector(1);
  const extensions = extensionsOf(body);
  const serverName = nameOf(extensions.get(0));
  const alpn = list(extensions.get(16)?.vector(2)).map(text);
  const offered = extensions.get(43)?.vector(1);
  const versions = offered
    ? pairs(offered)
        .filter((code) => code in VERSIONS)
        .map(versionName)
    : [versionName(legacy)];
  return {
    serverName,
    alpn,
    versions,
    says: [
      serverName ? `the host it wants: ${serverName}` : "no host's name",
      alpn.length ? `protocols inside: ${alpn.join(", ")}` : "no word of the protocol inside",
      `offers ${versions.join(", ")}`,
    ],
  };
}

/** Of a list of names, each behind its kind; there is one kind only, and one name. */
function nameOf(extension: Reader | undefined): string | undefined {
  if (!extension) return undefined;
  const names = new Reader(extension.vector(2));
  names.number(1);
  return text(names.vector(2));
}

/** SHA-256 of "HelloRetryRequest": a ServerHello with this random asks for another ClientHello (RFC 8446, 4.1.3). */
const RETRY = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c";

function serverHello(body: Reader): TlsMessage {
  const legacy = body.number(2);
  const retry = Buffer.from(body.take(32)).toString("hex") === RETRY;
  body.vector(1);
  const code = body.number(2);
  body.number(1);
  const extensions = body.left ? extensionsOf(body) : new Map<number, Reader>();
  const chosen = extensions.get(43)?.number(2) ?? legacy;
  const cipher = CIPHERS[code] ?? `cipher suite 0x${code.toString(16).padStart(4, "0")}`;
  const version = versionName(chosen);
  const alpn = list(extensions.get(16)?.vector(2)).map(text);
  const rest = chosen >= 0x0304 ? ["all that follows is encrypted, the certificate too"] : [];
  return {
    name: retry ? "HelloRetryRequest" : "ServerHello",
    versions: [version],
    cipher,
    alpn,
    says: [`chooses ${version}, ${cipher}`, ...rest],
  };
}

function certificates(body: Reader): Omit<TlsMessage, "name"> {
  const all = new Reader(body.vector(3));
  const found: { subject: string; issuer: string; validTo: Date }[] = [];
  while (all.left) {
    const one = new X509Certificate(all.vector(3));
    const line = (name: string) => name.replace(/\n/g, ", ");
    found.push({ subject: line(one.subject), issuer: line(one.issuer), validTo: new Date(one.validTo) });
  }
  const says = found.map(
    ({ subject, issuer, validTo }) =>
      `${subject}, issued by ${issuer}, valid until ${validTo.toISOString().slice(0, 10)}`,
  );
  return { certificates: found, says: says.length ? says : ["no certificate"] };
}

function extensionsOf(body: Reader): Map<number, Reader> {
  const all = new Reader(body.vector(2));
  const found = new Map<number, Reader>();
  while (all.left) found.set(all.number(2), new Reader(all.vector(2)));
  return found;
}

/** Entries that each begin with one byte of length. */
function list(bytes: Uint8Array | undefined): Uint8Array[] {
  const all = new Reader(bytes ?? new Uint8Array(0));
  const found: Uint8Array[] = [];
  while (all.left) found.push(all.vector(1));
  return found;
}

function pairs(bytes: Uint8Array): number[] {
  const all = new Reader(bytes);
  const found: number[] = [];
  while (all.left) found.push(all.number(2));
  return found;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

class Reader {
  #at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(many: number): Uint8Array {
    if (many > this.left) throw new RangeError("the message ends too early");
    this.#at += many;
    return this.#bytes.subarray(this.#at - many, this.#at);
  }

  number(size: number): number {
    return this.take(size).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  /** Bytes behind their own length. */
  vector(size: number): Uint8Array {
    return this.take(this.number(size));
  }
}
