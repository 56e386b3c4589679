// expect: what the office gets
async function weaker(url: string, topic: string, note: string): Promise<void> {
  const device = await lab.client(url, { clientId: "weighbridge" });
  await device.mqtt.publishAsync(topic, note, { qos: 1 });
}
const claims = {
  "4.3.3-10": "broker",
  "4.4.0-1": "device",
  evidence: yard.select("DISCONNECT")[0]!.number,
  repaired: weaker,
};
