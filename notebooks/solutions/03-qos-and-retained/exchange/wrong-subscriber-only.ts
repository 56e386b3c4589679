// expect: QoS of PUBLISH on both legs, told 2
async function exchange(url: string, topic: string, qos: QoS): Promise<void> {
  const reader = await lab.client(url, { clientId: "reader" });
  const writer = await lab.client(url, { clientId: "writer" });
  await reader.mqtt.subscribeAsync(topic, { qos });
  await writer.mqtt.publishAsync(topic, "62");
  await reader.next(topic);
}
