// expect: the states reported
async function startValve(url: string, commands: string, states: string): Promise<void> {
  const valve = await lab.client(url, { clientId: "valve" });
  valve.mqtt.once("message", (_topic, payload) => {
    valve.mqtt.publish(states, `${payload} done`, { qos: 1 });
  });
  await valve.mqtt.subscribeAsync(commands, { qos: 1 });
}
