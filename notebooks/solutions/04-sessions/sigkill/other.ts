const durable: BrokerSpec = {
  volume: "alarms",
  conf: [
    "autosave_interval 1",
    "autosave_on_changes true",
    "persistence true",
    "persistence_file alarms.db",
    "persistence_location /mosquitto/data",
    "listener 1883 0.0.0.0",
    "allow_anonymous true",
  ].join("\n"),
};
