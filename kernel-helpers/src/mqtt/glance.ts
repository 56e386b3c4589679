/** How much of a packet has to be looked at before the next one: where it ends, and whether its bytes make sense. */

/** The longest fixed header: one byte and four of Remaining Length. */
export const HEADER = 5;

/** Where the fixed header ends that begins at `start`: 0 while it has not come whole, -1 when it goes on for too long. */
export function headerEnd(bytes: Uint8Array, start: number): number {
  for (let at = start + 1; at < start + HEADER; at++) {
    if (at >= bytes.length) return 0;
    if (bytes[at]! < 128) return at + 1;
  }
  return -1;
}

/** The Remaining Length of the fixed header from `start` to `end`. */
export function remainingLength(bytes: Uint8Array, start: number, end: number): number {
  let remaining = 0;
  for (let at = end - 1; at > start; at--) remaining = remaining * 128 + (bytes[at]! & 127);
  return remaining;
}

/**
 * Whether a packet is surely not malformed, so that it can be read whenever somebody asks. Only the kinds that come by
 * the thousand can be sure: messages without properties and with a plain topic, their acknowledgements without a reason,
 * and pings. False says nothing.
 *
 * @param body where the fixed header ends. @param end where the packet ends; all its bytes are there.
 */
export function surelyWellFormed(
  bytes: Uint8Array,
  start: number,
  body: number,
  end: number,
  version: number,
): boolean {
  if (bytes[body - 1] === 0 && body - start > 2) return false;
  switch (bytes[start]! >> 4) {
    case 3:
      return plainMessage(bytes, start, body, end, version);
    case 4:
    case 5:
    case 6:
    case 7:
      return end - body === 2;
    case 12:
    case 13:
      return end === body;
    default:
      return false;
  }
}

function plainMessage(bytes: Uint8Array, start: number, body: number, end: number, version: number): boolean {
  const qos = (bytes[start]! >> 1) & 3;
  if (qos === 3 || end - body < 2) return false;
  let at = body + 2;
  const topicEnd = at + bytes[body]! * 256 + bytes[body + 1]!;
  if (topicEnd > end) return false;
  for (; at < topicEnd; at++) if (bytes[at]! === 0 || bytes[at]! > 127) return false;
  if (qos) at += 2;
  if (version < 5) return at <= end;
  return at < end && bytes[at] === 0;
}
