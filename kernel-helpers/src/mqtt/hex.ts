import { LabError } from "../core/errors";

/** Bytes from hex digits; white space, colons and a leading 0x don't matter. @throws LabError BAD_ARGUMENT. */
export function toHexBytes(text: string): Uint8Array {
  const digits = text.replace(/0x/gi, "").replace(/[\s:,]+/g, "");
  if (digits.length % 2 || !/^[0-9a-f]*$/i.test(digits)) {
    throw new LabError(
      "BAD_ARGUMENT",
      `${JSON.stringify(text.slice(0, 60))} is no string of hex bytes`,
      'write two hex digits a byte, such as "c0 00"; text to send as it is goes through Buffer.from("…")',
    );
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
