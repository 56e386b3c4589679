// expect: readings acknowledged when the function returns
async function sendReadings(url: string, topic: string): Promise<void> {
  const sender = await lab.client(url, { clientId: "sender" });
  for (let n = 0; n < 100; n++) {
    sender.mqtt.publish(topic, String(n), { qos: 1 });
  }
}
