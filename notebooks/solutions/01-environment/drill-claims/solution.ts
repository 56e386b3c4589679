const claims = {
  cause: "location",
  evidence: "Saving in-memory database to /mosquitto/log//mosquitto.db.",
  repaired: { ...boiler3, conf: boiler3.conf!.replace("/mosquitto/log/", "/mosquitto/data/") },
};
