const firstConf = [
  "per_listener_settings true",
  "listener 1883 0.0.0.0",
  "allow_anonymous true",
].join("\n");
