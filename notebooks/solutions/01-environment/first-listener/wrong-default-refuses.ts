// expect: CONNACK 0x87
const firstConf = `
listener 1883
`;
