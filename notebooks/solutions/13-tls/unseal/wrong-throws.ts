// expect: text changed, tag changed, topic changed
function unseal(message: Message, keys: Record<string, Uint8Array>): string | null {
  const { "key-id": id } = message.properties.userProperties as Record<string, string>;
  const bytes = Buffer.from(message.payload);
  const decipher = createDecipheriv("aes-256-gcm", keys[id!]!, bytes.subarray(0, 12)).setAAD(Buffer.from(message.topic));
  decipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString();
}
