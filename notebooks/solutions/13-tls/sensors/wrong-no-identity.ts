// expect: it writes to: its own topic, another's, nobody's
const sensors = {
  conf: `
listener 8883
certfile /mosquitto/config/server.crt
keyfile /mosquitto/config/server.key
cafile /mosquitto/config/ca.crt
require_certificate true
acl_file /mosquitto/config/acl
allow_anonymous true
`,
  acl: `
pattern readwrite dev/%u/#
`,
};
