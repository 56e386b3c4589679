import { createHash } from "node:crypto";

/** A hash of parts in their order; where one ends and the next begins counts. */
export function hashOf(parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest("hex");
}
