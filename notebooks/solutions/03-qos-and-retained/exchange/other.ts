async function exchange(url: string, topic: string, qos: QoS): Promise<void> {
  const both = await lab.client(url, { clientId: "both" });
  const arrived = new Promise<void>((resolve) => both.mqtt.once("message", () => resolve()));
  await both.mqtt.subscribeAsync({ [topic]: { qos } });
  both.mqtt.publish(topic, "62", { qos });
  await arrived;
}
