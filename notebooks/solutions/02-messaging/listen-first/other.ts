async function selfTest(url: string, topic: string): Promise<string> {
  const valve = await lab.client(url, { clientId: "valve" });
  return new Promise((resolve, reject) => {
    valve.mqtt.on("message", (_topic, payload) => resolve(payload.toString()));
    valve.mqtt.subscribe(topic, (error) => {
      if (error) reject(error);
      else valve.mqtt.publish(topic, "open");
    });
  });
}
