/** What is spoken where MQTT was expected: the usual mistakes of ports and schemes. */
const STARTS: readonly (readonly [start: RegExp, name: string])[] = [
  [/^(?:GET|POST|PUT|HEAD|DELETE|OPTIONS|CONNECT) /, "an HTTP request: a browser or a WebSocket client"],
  [/^HTTP\/1\.[01] /, "an HTTP answer: this port speaks HTTP or WebSocket"],
  [/^PROXY (?:TCP4|TCP6|UNKNOWN)/, "the PROXY protocol, version 1"],
  // The first bytes as hex behind the text, for those protocols that begin with control characters.
  [/\n0d0a0d0a000d0a515549540a/, "the PROXY protocol, version 2"],
  [/^SSH-/, "SSH"],
  [/\n16030[0-4]/, "a TLS handshake: this side wants TLS, the other speaks without"],
  [/\n15030[0-4]/, "a TLS alert"],
];

/** "an HTTP request …" when the first bytes of a stream say so. */
export function foreignProtocol(bytes: Uint8Array): string | undefined {
  const first = Array.from(bytes.subarray(0, 16));
  const text = first.map((byte) => (byte === 10 ? " " : String.fromCharCode(byte))).join("");
  const hex = first.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return STARTS.find(([pattern]) => pattern.test(`${text}\n${hex}`))?.[1];
}
