async function order(url: string, topic: string, litres: number): Promise<void> {
  // The id belongs to the order, not to the attempt.
  const text = JSON.stringify({ id: randomUUID(), litres });
  for (let attempt = 1; ; attempt++) {
    const desk = await lab.client(url, { clientId: `desk-${attempt}` });
    try {
      return void (await desk.mqtt.publishAsync(topic, text, { qos: 1 }));
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}
