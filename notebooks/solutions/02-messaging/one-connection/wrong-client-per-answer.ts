// expect: TCP connections
async function startValve(url: string, commands: string, states: string): Promise<void> {
  const valve = await lab.client(url, { clientId: "valve" });
  let turn: Promise<unknown> = Promise.resolve();
  valve.mqtt.on("message", (_topic, payload) => {
    turn = turn.then(async () => {
      const mouth = await lab.client(url, { clientId: "valve-out" });
      await mouth.mqtt.publishAsync(states, `${payload} done`, { qos: 1 });
    });
  });
  await valve.mqtt.subscribeAsync(commands, { qos: 1 });
}
