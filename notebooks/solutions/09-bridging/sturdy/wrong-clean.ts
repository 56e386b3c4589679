// expect: readings at the hub, and whether they are in order from the first on
const sturdy = (address: string, site: string) => `
listener 1883
allow_anonymous true
connection hub
address ${address}
remote_clientid site-${site}
cleansession true
keepalive_interval 5
restart_timeout 1 3
topic telemetry/# out 1 "" site/${site}/
`;
