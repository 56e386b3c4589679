// expect: what the valve reports
async function selfTest(url: string, topic: string): Promise<string> {
  const valve = await lab.client(url, { clientId: "valve" });
  let text = "";
  valve.mqtt.on("message", (_topic, payload) => {
    text = payload.toString();
  });
  await valve.mqtt.subscribeAsync(topic, { qos: 1 });
  valve.mqtt.publish(topic, "open");
  return text;
}
