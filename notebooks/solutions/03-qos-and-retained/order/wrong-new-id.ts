// expect: business effects when the acknowledgement is lost
async function order(url: string, topic: string, litres: number): Promise<void> {
  for (let attempt = 1; attempt <= 5; attempt++) {
    const desk = await lab.client(url, { clientId: "desk" });
    const text = JSON.stringify({ id: randomUUID(), litres });
    const sent = await desk.mqtt.publishAsync(topic, text, { qos: 1 }).catch(() => undefined);
    if (sent) return;
  }
}
