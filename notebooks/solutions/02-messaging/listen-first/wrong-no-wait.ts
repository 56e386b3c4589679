// expect: the SUBACK comes before the first PUBLISH
async function selfTest(url: string, topic: string): Promise<string> {
  const valve = await lab.client(url, { clientId: "valve" });
  valve.mqtt.subscribe(topic, { qos: 1 });
  await valve.mqtt.publishAsync(topic, "open", { qos: 1 });
  return (await valve.next(topic)).text;
}
