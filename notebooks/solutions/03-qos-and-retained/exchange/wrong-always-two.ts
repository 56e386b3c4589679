// expect: packets, told QoS 0
async function exchange(url: string, topic: string, qos: QoS): Promise<void> {
  const reader = await lab.client(url, { clientId: "reader" });
  const writer = await lab.client(url, { clientId: "writer" });
  await reader.mqtt.subscribeAsync(topic, { qos: 2 });
  await writer.mqtt.publishAsync(topic, "62", { qos: 2 });
  await reader.next(topic);
}
