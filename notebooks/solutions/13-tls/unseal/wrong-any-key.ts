// expect: wrong key, another key's id, no key
function unseal(message: Message, keys: Record<string, Uint8Array>): string | null {
  const bytes = Buffer.from(message.payload);
  for (const key of Object.values(keys)) {
    try {
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12)).setAAD(Buffer.from(message.topic));
      decipher.setAuthTag(bytes.subarray(-16));
      return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString();
    } catch {}
  }
  return null;
}
