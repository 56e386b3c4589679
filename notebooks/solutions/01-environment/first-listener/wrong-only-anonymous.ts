// expect: local only mode
const firstConf = `
allow_anonymous true
`;
