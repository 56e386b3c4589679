// Impatient, and within the rules: it repeats the note on a new connection, in the same session.
async function reconnecting(url: string, topic: string, note: string): Promise<void> {
  const session = { clientIdentifier: "weighbridge-7", properties: { sessionExpiryInterval: 60 } };
  for (let tries = 0; tries < 5; tries++) {
    const device = await lab.raw(url, { name: "weighbridge" });
    await device.send({ ...hello, ...session, cleanStart: tries === 0 });
    await device.next("CONNACK");
    const publish = { type: "PUBLISH", topicName: topic, qos: 2, packetIdentifier: 1 } as const;
    await device.send({ ...publish, payload: note, dup: tries > 0 });
    if (!(await device.next("PUBREC", { timeout: 600 }).catch(() => null))) continue;
    await device.send({ type: "PUBREL", packetIdentifier: 1 });
    return void (await device.next("PUBCOMP"));
  }
  throw new Error("gave up");
}
const claims = {
  "4.3.3-10": "broker",
  "4.4.0-1": "device",
  evidence: yard.packets.find((one) => one.reason === "Protocol Error")!.number,
  repaired: reconnecting,
};
