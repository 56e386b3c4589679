// expect: a reading at the hub, a command at the site
const claims = {
  cause: "prefix",
  evidence: "site/9/cmd/boiler/1/temp",
  repaired: (address: string) => deployed.replace(/^address .*$/m, `address ${address}`),
};
