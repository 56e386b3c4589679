const firstConf = `
listener 1883
allow_anonymous true
`;
