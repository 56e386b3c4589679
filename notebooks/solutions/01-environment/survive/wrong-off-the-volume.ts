// expect: a late subscriber at the new broker
const survivor: BrokerSpec = {
  volume: "survivor",
  conf: `
listener 1883
allow_anonymous true
persistence true
persistence_location /mosquitto/log/
`,
};
