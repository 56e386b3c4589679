// expect: at most 20 wait for their acknowledgement
async function sendReadings(url: string, topic: string): Promise<void> {
  const sender = await lab.client(url, { clientId: "sender" });
  const all = Array.from({ length: 100 }, (_, n) => String(n));
  await Promise.all(all.map((text) => sender.mqtt.publishAsync(topic, text, { qos: 1 })));
}
