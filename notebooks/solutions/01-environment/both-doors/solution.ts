const doorsConf = `
allow_anonymous true
listener 1883
listener 9001
protocol websockets
`;
