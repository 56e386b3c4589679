const announced = (address: string, site: string) => `
listener 1883
allow_anonymous true
connection hub
address ${address}
remote_clientid site-${site}
notification_topic ops/site/${site}/bridge
topic telemetry/# out 1 "" site/${site}/
`;
