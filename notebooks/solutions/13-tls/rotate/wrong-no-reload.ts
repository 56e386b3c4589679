// expect: a new client is shown the new certificate
async function rotate(broker: Broker): Promise<void> {
  await broker.files.write("server.crt", renewed.chain);
  await broker.files.write("server.key", renewed.key);
}
