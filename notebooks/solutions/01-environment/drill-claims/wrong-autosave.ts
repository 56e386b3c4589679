// expect: the setpoint after a deployment
const claims = {
  cause: "autosave",
  evidence: "Saving in-memory database to /mosquitto/log//mosquitto.db.",
  repaired: { ...boiler3, conf: `${boiler3.conf}\nautosave_interval 1\n` },
};
