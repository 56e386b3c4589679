const downlink = (address: string, site: string) => `
listener 1883
allow_anonymous true
connection hub
address ${address}
remote_clientid site-${site}
topic telemetry/# out 1 "" site/${site}/
topic # in 1 cmd/ site/${site}/cmd/
`;
