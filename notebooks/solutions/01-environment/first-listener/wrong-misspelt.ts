// expect: Unknown configuration variable
const firstConf = `
listner 1883
allow_anonymous true
`;
