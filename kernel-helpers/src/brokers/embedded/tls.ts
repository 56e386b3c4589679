/** The embedded broker has no TLS yet: Mosquitto built without it would open a TLS listener in clear, with a warning. */
import { LabError } from "../../core/errors";
import { confLines } from "../mosquitto-conf";

const TLS_KEYS =
  /^(certfile|keyfile|cafile|capath|crlfile|psk_hint|psk_file|tls_\w+|require_certificate|bridge_(cafile|capath|certfile|keyfile|psk|identity|tls_\w+|insecure|alpn|require_ocsp))$/;

/**
 * @param texts the configuration and the files it includes, by path.
 * @throws LabError ENGINE_CANNOT when any line asks for TLS.
 */
export function refuseTls(texts: ReadonlyMap<string, string>): void {
  for (const [path, text] of texts) {
    const line = confLines(text).find(({ key }) => TLS_KEYS.test(key));
    if (!line) continue;
    throw new LabError(
      "ENGINE_CANNOT",
      `the embedded broker has no TLS, and line ${line.number} of ${path} asks for it: ${line.text.trim()}`,
      "run this lab with Docker or with a mosquitto of this machine's own: MQTT_LAB_ENGINE=docker or local, and open the lab again",
    );
  }
}
