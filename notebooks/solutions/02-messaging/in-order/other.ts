async function sendReadings(url: string, topic: string): Promise<void> {
  const sender = await lab.client(url, { clientId: "sender" });
  for (let n = 0; n < 100; n += 10) {
    const ten = Array.from({ length: 10 }, (_, i) => String(n + i));
    await Promise.all(ten.map((text) => sender.mqtt.publishAsync(topic, text, { qos: 2 })));
  }
}
