// expect: alarms after the kill
// A save every half minute counts seconds, and the power does not wait for them.
const durable: BrokerSpec = {
  conf: `
listener 1883
allow_anonymous true
persistence true
persistence_location /mosquitto/data/
autosave_interval 30
`,
};
