// expect: the line says where the database went
const claims = {
  cause: "location",
  evidence: "the log says nothing",
  repaired: { ...boiler3, conf: boiler3.conf!.replace("/mosquitto/log/", "/mosquitto/data/") },
};
