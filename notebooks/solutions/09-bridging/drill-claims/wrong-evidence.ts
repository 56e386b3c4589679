// expect: the topic of a reading of boiler 1 at the hub
const claims = {
  cause: "prefix",
  evidence: "site/9/telemetry/boiler/1/temp",
  repaired: (address: string) => deployed.replace(/^address .*$/m, `address ${address}`)
    .replace("site/9/cmd/", "site/9/x/").replace("site/9/telemetry/", "site/9/cmd/").replace("site/9/x/", "site/9/telemetry/"),
};
