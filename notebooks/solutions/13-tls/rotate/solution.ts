async function rotate(broker: Broker): Promise<void> {
  await broker.files.write("server.crt", renewed.chain);
  await broker.files.write("server.key", renewed.key);
  await broker.reload();
}
