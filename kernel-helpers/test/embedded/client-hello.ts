/** A ClientHello (RFC 5246, 7.4.1.2) whose random bytes are zeros: nothing in the answer's comes from the client. */
export const CLIENT_HELLO = Buffer.from(
  [
    ...["16 0301 0047", "01 000043", "0303", "00".repeat(32), "00", "0002 c02f", "01 00"],
    ...["0018", "000a 0004 0002 001d", "000b 0002 01 00", "000d 0006 0004 0401 0804"],
  ]
    .join("")
    .replaceAll(" ", ""),
  "hex",
);
