async function patient(url: string, topic: string, note: string): Promise<void> {
  const device = await lab.raw(url, { name: "weighbridge" });
  await device.send({ ...hello, clientIdentifier: "weighbridge" });
  await device.next("CONNACK");
  const publish = { type: "PUBLISH", topicName: topic, qos: 2, packetIdentifier: 1 } as const;
  await device.send({ ...publish, payload: note });
  // While the connection stands, TCP repeats what is lost: there is nothing to send again.
  await device.next("PUBREC", { timeout: 8_000 });
  await device.send({ type: "PUBREL", packetIdentifier: 1 });
  await device.next("PUBCOMP");
}
const claims = {
  "4.3.3-10": "broker",
  "4.4.0-1": "device",
  evidence: yard.select("DISCONNECT")[0]!.number,
  repaired: patient,
};
