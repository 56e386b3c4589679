const claims = {
  cause: "prefix",
  evidence: "site/9/cmd/boiler/1/temp",
  repaired: (address: string) => `
listener 1883
allow_anonymous true
connection hub
address ${address}
remote_clientid site-9
cleansession false
restart_timeout 1 3
topic # out 1 telemetry/ site/9/telemetry/
topic # in 1 cmd/ site/9/cmd/
`,
};
