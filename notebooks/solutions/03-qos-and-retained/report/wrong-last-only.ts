// expect: RETAIN on what the gauge publishes
async function report(url: string, topic: string, levels: string[]): Promise<void> {
  const gauge = await lab.client(url, { clientId: "gauge-9" });
  const last = levels.length - 1;
  for (const [i, level] of levels.entries()) {
    await gauge.mqtt.publishAsync(topic, level, { qos: 1, retain: i === last });
  }
}
