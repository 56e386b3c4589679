const uplink = (address: string, site: string) => [
  "listener 1883",
  "allow_anonymous true",
  "connection headquarters",
  `addresses ${address}`,
  `remote_clientid site-${site}`,
  "bridge_protocol_version mqttv50",
  `topic # out 2 telemetry/ site/${site}/telemetry/`,
].join("\n");
