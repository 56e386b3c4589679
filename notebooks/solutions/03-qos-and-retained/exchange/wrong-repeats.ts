// expect: QoS of PUBLISH on both legs, told 1
async function exchange(url: string, topic: string, qos: QoS): Promise<void> {
  const reader = await lab.client(url, { clientId: "reader" });
  const writer = await lab.client(url, { clientId: "writer" });
  await reader.mqtt.subscribeAsync(topic);
  for (let n = 0; n < 2 ** qos; n++) await writer.mqtt.publishAsync(topic, "62");
  await reader.collect(2 ** qos);
}
