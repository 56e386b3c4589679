/**
 * Private keys as cells hold them: bytes that TLS and a broker's files take, and that no output shows. A notebook's
 * outputs are saved, rendered and sent around; a key that got there once is everybody's.
 */
import { inspect } from "node:util";

/** A private key, PEM in PKCS #8. Printing it, or putting it into a text or into JSON, shows whose it is only. */
export type PrivateKey = Buffer;

/** @param whose in words: "broker". */
export function privateKey(pem: string, whose: string): PrivateKey {
  const shown = () => `[private key of ${whose}, not shown]`;
  const hide = { value: shown, enumerable: false };
  return Object.defineProperties(Buffer.from(pem, "latin1"), {
    toString: hide,
    toLocaleString: hide,
    toJSON: hide,
    [Symbol.toPrimitive]: hide,
    [inspect.custom]: hide,
  }) as PrivateKey;
}
