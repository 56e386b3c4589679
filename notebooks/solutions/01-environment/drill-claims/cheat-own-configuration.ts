// expect: the evidence
boiler3.conf = "listener 1883\nallow_anonymous true\npersistence true\npersistence_location /mosquitto/data/mine/\n";
const claims = { cause: "mine", evidence: "database to /mosquitto/data/mine", repaired: { conf: "listener 1883" } as BrokerSpec };
