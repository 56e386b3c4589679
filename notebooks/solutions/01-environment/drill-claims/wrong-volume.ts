// expect: the cause
const claims = {
  cause: "volume",
  evidence: "mosquitto version 2.1.2 terminating",
  repaired: { ...boiler3, volume: "another" },
};
