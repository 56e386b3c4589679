// expect: RETAIN on what the late board gets
async function report(url: string, topic: string, levels: string[]): Promise<void> {
  const hour = { sessionExpiryInterval: 3_600 };
  const gauge = await lab.client(url, { clientId: "gauge-9", clean: false, properties: hour });
  for (const level of levels) {
    await gauge.mqtt.publishAsync(topic, level, { qos: 2 });
  }
}
