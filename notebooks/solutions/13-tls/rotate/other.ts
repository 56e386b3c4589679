const rotate = async (broker: Broker): Promise<void> => {
  const next = { "/mosquitto/config/server.key": renewed.key, "/mosquitto/config/server.crt": renewed.chain };
  for (const [path, content] of Object.entries(next)) await broker.files.write(path, content);
  const before = broker.logs.lines.length;
  await broker.reload();
  await broker.logs.until(/Reloading config/, { after: before });
};
