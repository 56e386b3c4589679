// expect: the states reported
// One identity for two connections: the second throws out the first.
async function startValve(url: string, commands: string, states: string): Promise<void> {
  const ear = await lab.client(url, { clientId: "valve" });
  const mouth = await lab.client(url, { clientId: "valve" });
  ear.mqtt.on("message", (_topic, payload) => {
    mouth.mqtt.publish(states, `${payload} done`, { qos: 1 });
  });
  await ear.mqtt.subscribeAsync(commands, { qos: 1 }).catch(() => undefined);
}
