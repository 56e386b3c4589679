// expect: the first reading out of place
async function sendReadings(url: string, topic: string): Promise<void> {
  const sender = await lab.client(url, { clientId: "sender" });
  const sent: Promise<unknown>[] = [];
  for (let n = 0; n < 100; n++) {
    sent.push(sender.mqtt.publishAsync(topic, String(n), { qos: n % 10 ? 1 : 2 }));
    if (sent.length % 10 === 0) await Promise.all(sent);
  }
}
