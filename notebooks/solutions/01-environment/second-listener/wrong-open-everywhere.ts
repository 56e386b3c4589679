// expect: anonymous on 1884
const guarded: BrokerSpec = {
  files: { passwd },
  conf: `
allow_anonymous true
password_file /mosquitto/config/passwd
listener 1883
listener 1884
`,
};
