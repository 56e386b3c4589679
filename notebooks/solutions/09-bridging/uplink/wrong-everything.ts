// expect: what arrived at the hub
const uplink = (address: string, site: string) => `
listener 1883
allow_anonymous true
connection hub
address ${address}
remote_clientid site-${site}
topic # out 1 "" site/${site}/
`;
