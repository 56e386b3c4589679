// expect: what a board that listens gets
async function report(url: string, topic: string, levels: string[]): Promise<void> {
  const gauge = await lab.client(url, { clientId: "gauge-9" });
  for (const level of levels) await gauge.mqtt.publishAsync(topic, level, { qos: 1 });
  await gauge.mqtt.publishAsync(topic, levels[levels.length - 1]!, { qos: 1, retain: true });
}
