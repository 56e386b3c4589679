async function report(url: string, topic: string, levels: string[]): Promise<void> {
  const gauge = await lab.client(url, { clientId: "gauge-9" });
  for (const level of levels) {
    await gauge.mqtt.publishAsync(topic, level, { qos: 1, retain: true });
  }
}
