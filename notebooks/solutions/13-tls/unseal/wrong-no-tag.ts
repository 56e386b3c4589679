// expect: text changed, tag changed, topic changed
function unseal(message: Message, keys: Record<string, Uint8Array>): string | null {
  const { "key-id": id } = message.properties.userProperties as Record<string, string>;
  const key = keys[id!];
  if (!key) return null;
  const bytes = Buffer.from(message.payload);
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12)).setAAD(Buffer.from(message.topic));
  return decipher.update(bytes.subarray(12, -16)).toString();
}
