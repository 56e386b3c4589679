// expect: TCP connections
async function sendReadings(url: string, topic: string): Promise<void> {
  const sender = await lab.client(url, { clientId: "sender" });
  const second = await lab.client(url, { clientId: "sender-2" });
  for (let n = 0; n < 100; n++) {
    await (n % 2 ? second : sender).mqtt.publishAsync(topic, String(n), { qos: 1 });
  }
}
