// expect: while the bridge is up
const announced = (address: string, site: string) => `
listener 1883
allow_anonymous true
connection hub
address ${address}
remote_clientid site-${site}
notifications true
topic telemetry/# out 1 "" site/${site}/
`;
