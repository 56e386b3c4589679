// All on their way together, at QoS 2: one connection keeps their order.
async function report(url: string, topic: string, levels: string[]): Promise<void> {
  const gauge = await lab.client(url, { clientId: "gauge-9" });
  await Promise.all(levels.map((level) => gauge.mqtt.publishAsync(topic, level, { qos: 2, retain: true })));
}
