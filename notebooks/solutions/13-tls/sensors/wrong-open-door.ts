// expect: without a certificate nobody gets in
const sensors = {
  conf: `
listener 8883
certfile /mosquitto/config/server.crt
keyfile /mosquitto/config/server.key
cafile /mosquitto/config/ca.crt
acl_file /mosquitto/config/acl
allow_anonymous true
`,
  acl: `
pattern readwrite dev/%u/#
`,
};
