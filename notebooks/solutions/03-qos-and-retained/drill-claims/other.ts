// Impatient, and within the rules: it repeats the note on a new connection, with the session and the identifier it had.
async function reconnecting(url: string, topic: string, note: string): Promise<void> {
  for (let tries = 0; tries < 5; tries++) {
    const device = await lab.raw(url, { name: "weighbridge" });
    const properties = { sessionExpiryInterval: 60 };
    await device.send({ type: "CONNECT", clientIdentifier: "weighbridge-7", protocolVersion: 5, cleanStart: tries === 0, properties });
    await device.next("CONNACK");
    await device.send({ type: "PUBLISH", topicName: topic, payload: note, qos: 2, packetIdentifier: 1, dup: tries > 0 });
    if (!(await device.next("PUBREC", { timeout: 600 }).catch(() => null))) continue;
    await device.send({ type: "PUBREL", packetIdentifier: 1 });
    return void (await device.next("PUBCOMP"));
  }
  throw new Error("gave up");
}
const claims = {
  "4.3.3-10": "broker",
  "4.4.0-1": "device",
  evidence: yard.packets.find((one) => one.reason === "Protocol error")!.number,
  repaired: reconnecting,
};
