// expect: no listener on port 9001
const doorsConf = `
allow_anonymous true
listener 1883
protocol mqtt
`;
