// expect: what a late board gets
async function report(url: string, topic: string, levels: string[]): Promise<void> {
  const gauge = await lab.client(url, { clientId: "gauge-9" });
  for (const [i, level] of levels.entries()) {
    await gauge.mqtt.publishAsync(`${topic}/${i}`, level, { qos: 1, retain: true });
  }
}
