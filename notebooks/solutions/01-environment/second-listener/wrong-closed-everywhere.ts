// expect: anonymous on 1883
const guarded: BrokerSpec = {
  files: { passwd },
  conf: `
allow_anonymous false
password_file /mosquitto/config/passwd
listener 1883
listener 1884
`,
};
