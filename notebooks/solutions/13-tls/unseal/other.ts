import { webcrypto } from "node:crypto";

async function unseal(message: Message, keys: Record<string, Uint8Array>): Promise<string | null> {
  try {
    const id = (message.properties.userProperties as { "key-id"?: string })["key-id"] ?? "";
    const aes = await webcrypto.subtle.importKey("raw", keys[id]!, "AES-GCM", false, ["decrypt"]);
    const bytes = Uint8Array.from(message.payload);
    const gcm = { name: "AES-GCM", iv: bytes.slice(0, 12), additionalData: Buffer.from(message.topic) };
    return Buffer.from(await webcrypto.subtle.decrypt(gcm, aes, bytes.slice(12))).toString();
  } catch {
    return null;
  }
}
