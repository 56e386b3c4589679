// expect: anna on 1884
const guarded: BrokerSpec = {
  files: { passwd },
  conf: `
per_listener_settings true

listener 1883
allow_anonymous true

listener 1884
allow_anonymous false
`,
};
