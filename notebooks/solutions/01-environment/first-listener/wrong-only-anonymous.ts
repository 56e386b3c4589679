// expect: the broker listens for other machines
const firstConf = `
allow_anonymous true
`;
