// expect: no listener on port 1883
const firstConf = `
listener 1884
allow_anonymous true
`;
