// expect: the evidence
const claims = {
  cause: "location",
  evidence: "the log says nothing",
  repaired: { ...boiler3, conf: boiler3.conf!.replace("/mosquitto/log/", "/mosquitto/data/") },
};
