// expect: Connection closed
async function order(url: string, topic: string, litres: number): Promise<void> {
  const desk = await lab.client(url, { clientId: "desk" });
  await desk.mqtt.publishAsync(topic, JSON.stringify({ id: randomUUID(), litres }), { qos: 1 });
}
