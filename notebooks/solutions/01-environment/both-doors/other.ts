const doorsConf = `
listener 9001
protocol websockets
allow_anonymous true

listener 1883
protocol mqtt
`;
