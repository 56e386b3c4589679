// expect: while the bridge is up
const announced = (address: string, site: string) => `
listener 1883
allow_anonymous true
connection hub
address ${address}
remote_clientid site-${site}
topic telemetry/# out 1 "" site/${site}/
topic $SYS/broker/connection/# out 1 "" ops/site/${site}/
`;
