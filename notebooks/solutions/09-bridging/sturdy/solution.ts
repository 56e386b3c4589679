const sturdy = (address: string, site: string) => `
listener 1883
allow_anonymous true
connection hub
address ${address}
remote_clientid site-${site}
cleansession false
keepalive_interval 5
restart_timeout 1 3
topic telemetry/# out 1 "" site/${site}/
`;
