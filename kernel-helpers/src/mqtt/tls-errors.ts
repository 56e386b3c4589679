/** What a TLS error's code means, and where to look: OpenSSL's own texts help those who know already. */

export interface TlsFailure {
  readonly what: string;
  readonly hint: string;
}

const AUTHORITY = "give the root that the broker's certificate leads to as `ca`; never switch the check off";
const TIME = "look at the dates of every certificate in the chain, and at this machine's clock";
const CLIENT =
  "the broker asks for a certificate that its `cafile` vouches for: give `cert` (with its chain) and `key`";
const PEM = "give `cert` and `key` as they come from the authority: text with BEGIN and END lines";

const MEANINGS: Readonly<Record<string, TlsFailure>> = {
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: { what: "nobody this client trusts issued the certificate", hint: AUTHORITY },
  UNABLE_TO_GET_ISSUER_CERT: { what: "nobody this client trusts issued the certificate", hint: AUTHORITY },
  SELF_SIGNED_CERT_IN_CHAIN: { what: "the chain ends at a root that this client does not trust", hint: AUTHORITY },
  DEPTH_ZERO_SELF_SIGNED_CERT: { what: "the certificate is signed by itself, and not trusted", hint: AUTHORITY },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: {
    what: "the broker sent one certificate, and its issuer is missing",
    hint: "the broker's `certfile` has to hold the intermediate too, behind its own certificate; or `ca` is the wrong root",
  },
  CERT_SIGNATURE_FAILURE: { what: "a signature in the chain does not fit its issuer's key", hint: AUTHORITY },
  CERT_HAS_EXPIRED: { what: "a certificate of the chain has ended", hint: TIME },
  CERT_NOT_YET_VALID: { what: "a certificate of the chain has not begun", hint: TIME },
  CERT_REVOKED: { what: "the certificate was revoked", hint: "ask the authority for a new one" },
  INVALID_PURPOSE: {
    what: "the certificate was not made for this end of a connection",
    hint: "its extended key usage has to say serverAuth at a broker, and clientAuth at a client",
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    what: "the certificate is for other hosts",
    hint: "compare the host in the URL (or `servername`) with the certificate's subject alternative names",
  },
  ERR_SSL_WRONG_VERSION_NUMBER: {
    what: "the other side does not speak TLS",
    hint: "is this a plain listener? then its URL begins with mqtt://",
  },
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: { what: "the broker wants a client certificate", hint: CLIENT },
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: { what: "the broker does not trust this client's issuer", hint: CLIENT },
  ERR_SSL_SSL_TLSV1_ALERT_UNKNOWN_CA: { what: "the broker does not trust this client's issuer", hint: CLIENT },
  // OpenSSL has one alert for both.
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: {
    what: "this client's certificate has ended, or the broker's revocation list has",
    hint: "look at the dates of both: an outdated `crlfile` shuts out everybody until the authority issues a new list",
  },
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: {
    what: "the broker's revocation list names this client's certificate",
    hint: "ask the authority for a new certificate",
  },
  ERR_OSSL_BAD_DECRYPT: {
    what: "this client's key is locked, and its password is missing or wrong",
    hint: "give the key's password as `passphrase`",
  },
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: {
    what: "this client's key does not belong to its certificate",
    hint: "take `cert` and `key` from one and the same `ca.client(…)`",
  },
  ERR_OSSL_PEM_NO_START_LINE: { what: "this client's certificate is no PEM text", hint: PEM },
  ERR_OSSL_UNSUPPORTED: { what: "this client's key can't be read", hint: PEM },
  ERR_SSL_NO_PROTOCOLS_AVAILABLE: {
    what: "this client's own settings leave it no version of TLS",
    hint: "Node speaks TLS 1.2 and 1.3; set `minVersion` and `maxVersion` to those, or leave them out",
  },
  ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: { what: "this client's certificate is for servers", hint: CLIENT },
};

/** Alerts that reach Node while it writes: their code is EPROTO, and what they say is in the message alone. */
const ALERTS: readonly (readonly [pattern: RegExp, meaning: TlsFailure])[] = [
  [
    /alert handshake failure/,
    {
      what: "the broker has no certificate that it can use, or gets none of this client",
      hint: "does the broker's key belong to its certificate? its log says what it could not load",
    },
  ],
  [
    /alert internal error/,
    {
      what: "the broker could not go on with the handshake",
      hint: "the broker's log says why; a client that offers nothing newer than TLS 1.1 is one reason",
    },
  ],
  [
    /alert protocol version/,
    {
      what: "the broker does not speak the versions of TLS that this client offers",
      hint: "compare the listener's `tls_version` with the client's `minVersion` and `maxVersion`",
    },
  ],
];

/** Of an error's code, or of its text where the code says nothing; undefined for what is none of TLS's. */
export function explainTlsError({ code, message }: { code?: unknown; message?: string }): TlsFailure | undefined {
  if (typeof code === "string" && Object.hasOwn(MEANINGS, code)) return MEANINGS[code];
  return ALERTS.find(([pattern]) => pattern.test(message ?? ""))?.[1];
}
