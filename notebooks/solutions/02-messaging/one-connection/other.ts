async function startValve(url: string, commands: string, states: string): Promise<void> {
  const valve = await lab.client(url, { clientId: "valve" });
  await valve.mqtt.subscribeAsync(commands, { qos: 1 });
  const answer = async () => {
    for (let n = 0; n < 1_000; n++) {
      const command = await valve.next(commands, { timeout: 60_000 });
      await valve.mqtt.publishAsync(states, `${command.text} done`, { qos: 1 });
    }
  };
  // The loop ends with the connection.
  answer().catch(() => undefined);
}
