// expect: business effects when the PUBLISH is lost
async function order(url: string, topic: string, litres: number): Promise<void> {
  const desk = await lab.client(url, { clientId: "desk" });
  const text = JSON.stringify({ id: randomUUID(), litres });
  await desk.mqtt.publishAsync(topic, text, { qos: 1 }).catch(() => undefined);
}
