// expect: alarms after the kill
const durable: BrokerSpec = {
  volume: "alarms",
  conf: `
listener 1883
allow_anonymous true
persistence true
persistence_location /mosquitto/data/
`,
};
