// expect: TCP connections
// The pool of somebody who comes from databases: right in everything else.
async function sendReadings(url: string, topic: string): Promise<void> {
  for (let n = 0; n < 100; n++) {
    const sender = await lab.client(url, { clientId: `sender-${n % 10}` });
    await sender.mqtt.publishAsync(topic, String(n), { qos: 1 });
  }
}
