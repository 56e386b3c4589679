// expect: PUBLISH packets, one a connection
async function renumbered(url: string, topic: string, note: string): Promise<void> {
  const device = await lab.raw(url, { name: "weighbridge" });
  await device.send({ ...hello, clientIdentifier: "weighbridge" });
  await device.next("CONNACK");
  const publish = { type: "PUBLISH", topicName: topic, payload: note, qos: 2 } as const;
  let packetIdentifier = 1;
  await device.send({ ...publish, packetIdentifier });
  while (!(await device.next("PUBREC", { timeout: 300 }).catch(() => null))) {
    if (packetIdentifier > 15) throw new Error("gave up");
    await device.send({ ...publish, packetIdentifier: ++packetIdentifier });
  }
  await device.send({ type: "PUBREL", packetIdentifier: 1 });
  await device.next("PUBCOMP");
}
const claims = {
  "4.3.3-10": "broker",
  "4.4.0-1": "device",
  evidence: yard.select("DISCONNECT")[0]!.number,
  repaired: renumbered,
};
