const sturdy = (address: string, site: string) => `
listener 1883
allow_anonymous true
max_queued_messages 0
connection hub
address ${address}
remote_clientid site-${site}
local_cleansession false
keepalive_interval 5
restart_timeout 1 3
topic # out 2 telemetry/ site/${site}/telemetry/
`;
