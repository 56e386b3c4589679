// expect: the cause
const claims = {
  cause: "qos",
  evidence: "site/9/telemetry/boiler/1/temp",
  repaired: (address: string) => deployed.replace(/^address .*$/m, `address ${address}`).replaceAll(" 1 ", " 2 "),
};
