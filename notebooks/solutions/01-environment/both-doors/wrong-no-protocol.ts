// expect: a WebSocket client on port 9001
const doorsConf = `
allow_anonymous true
listener 1883
listener 9001
`;
