// expect: Session Present after the kill
const durable: BrokerSpec = {
  volume: "alarms",
  conf: `
listener 1883
allow_anonymous true
autosave_on_changes true
autosave_interval 1
`,
};
