// expect: packets, told QoS 1
async function exchange(url: string, topic: string, qos: QoS): Promise<void> {
  const reader = await lab.client(url, { clientId: "reader" });
  const writer = await lab.client(url, { clientId: "writer" });
  await reader.mqtt.subscribeAsync(topic);
  await writer.mqtt.publishAsync(topic, "62", { qos });
  await reader.next(topic);
}
