const guarded: BrokerSpec = {
  files: { passwd },
  conf: `
password_file /mosquitto/config/passwd

listener 1883
listener_allow_anonymous true

listener 1884
listener_allow_anonymous false
`,
};
