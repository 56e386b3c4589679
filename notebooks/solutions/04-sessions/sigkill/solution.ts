const durable: BrokerSpec = {
  conf: `
listener 1883
allow_anonymous true
persistence true
persistence_location /mosquitto/data/
autosave_on_changes true
autosave_interval 1
`,
};
