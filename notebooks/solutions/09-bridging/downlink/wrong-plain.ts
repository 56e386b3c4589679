// expect: the command at the first and at the second site
const downlink = (address: string, site: string) => `
listener 1883
allow_anonymous true
connection hub
address ${address}
remote_clientid site-${site}
topic telemetry/# out 1 "" site/${site}/
topic cmd/# in 1
`;
