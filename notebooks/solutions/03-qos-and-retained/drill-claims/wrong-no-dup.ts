// expect: PUBLISH packets, one a connection
async function withoutDup(url: string, topic: string, note: string): Promise<void> {
  const device = await lab.raw(url, { name: "weighbridge" });
  await device.send({ ...hello, clientIdentifier: "weighbridge" });
  await device.next("CONNACK");
  const first = { type: "PUBLISH", topicName: topic, qos: 2, packetIdentifier: 1 } as const;
  const publish = { ...first, payload: note };
  await device.send(publish);
  for (let tries = 1; !(await device.next("PUBREC", { timeout: 300 }).catch(() => null)); tries++) {
    if (tries > 8) throw new Error("gave up");
    await device.send(publish);
  }
  await device.send({ type: "PUBREL", packetIdentifier: 1 });
  await device.next("PUBCOMP");
}
const claims = {
  "4.3.3-10": "broker",
  "4.4.0-1": "device",
  evidence: yard.select("DISCONNECT")[0]!.number,
  repaired: withoutDup,
};
