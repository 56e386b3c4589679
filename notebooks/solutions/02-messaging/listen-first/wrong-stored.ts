// expect: awaited a message
// "Publishing stores": the message is on its way to nobody before anybody asks for it.
async function selfTest(url: string, topic: string): Promise<string> {
  const valve = await lab.client(url, { clientId: "valve" });
  await valve.mqtt.publishAsync(topic, "open", { qos: 1 });
  await valve.mqtt.subscribeAsync(topic, { qos: 1 });
  return (await valve.next(topic, { timeout: 1_000 })).text;
}
