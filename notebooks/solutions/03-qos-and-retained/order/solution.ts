async function order(url: string, topic: string, litres: number): Promise<void> {
  const desk = await lab.client(url, {
    clientId: "desk",
    reconnectPeriod: 200,
    clean: false,
    properties: { sessionExpiryInterval: 60 },
  });
  const text = JSON.stringify({ id: randomUUID(), litres });
  await desk.mqtt.publishAsync(topic, text, { qos: 1 });
}
