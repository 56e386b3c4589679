const announced = (address: string, site: string) => {
  const bridge = ["notifications true", `notification_topic ops/site/${site}/bridge`, "topic telemetry/# out 1"];
  const head = ["listener 1883", "allow_anonymous true", "connection up", `address ${address}`, `clientid edge-${site}`];
  return [...head, "bridge_protocol_version mqttv50", ...bridge].join("\n");
};
