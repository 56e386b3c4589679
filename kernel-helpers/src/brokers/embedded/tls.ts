/**
 * What needs the programs with TLS. Built without it, Mosquitto opens a listener with `certfile` in clear and only warns
 * of it: so whatever might mean TLS counts.
 */
import { confLines } from "../mosquitto-conf";

/** Options that a Mosquitto without TLS ignores with a warning, or does not have. */
const CONF_KEYS =
  /^(certfile|keyfile|cafile|capath|crlfile|dhparamfile|psk_\w+|tls_\w+|ciphers(_tls1\.3)?|require_certificate|disable_client_cert_date_checks|use_(identity|subject)_as_username|proxy_protocol_v2_require_tls|bridge_(cafile|capath|certfile|keyfile|psk|identity|tls_\w+|ciphers(_tls1\.3)?|insecure|alpn|require_ocsp|bind_address))$/;

/** Of mosquitto_pub, _sub, _rr and _ctrl. */
const PROGRAM_OPTIONS =
  /^--(cafile|capath|cert|key|keyform|ciphers|ciphers-tls1\.3|insecure|psk|psk-identity|tls-[a-z0-9-]+)$/;

/** A line that asks for TLS, and where it stands. */
export interface TlsLine {
  readonly path: string;
  readonly number: number;
  readonly text: string;
}

/** The first such line. @param texts the configuration and the files it includes, by path. */
export function tlsLine(texts: ReadonlyMap<string, string>): TlsLine | null {
  for (const [path, text] of texts) {
    const line = confLines(text).find(({ key }) => CONF_KEYS.test(key));
    if (line) return { path, number: line.number, text: line.text.trim() };
  }
  return null;
}

/**
 * Whether a client program is asked to speak TLS: by an option, by a URL, by the port that it takes for TLS.
 *
 * @param words its arguments, with those of the options file that it names.
 */
export function speaksTls(words: readonly string[]): boolean {
  return words.some(
    (word, at) =>
      PROGRAM_OPTIONS.test(word) ||
      /^(mqtts|wss):/.test(word) ||
      (/^(-p|--port)$/.test(word) && words[at + 1] === "8883") ||
      word === "-p8883",
  );
}
