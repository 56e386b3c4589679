// expect: a TCP client on port 1883
const doorsConf = `
allow_anonymous true
listener 1883
protocol websockets
listener 9001
`;
