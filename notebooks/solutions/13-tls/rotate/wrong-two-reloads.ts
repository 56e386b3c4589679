// expect: whenever it reads its files, they belong together
async function rotate(broker: Broker): Promise<void> {
  await broker.files.write("server.crt", renewed.chain);
  await broker.reload();
  await broker.files.write("server.key", renewed.key);
  await broker.reload();
}
