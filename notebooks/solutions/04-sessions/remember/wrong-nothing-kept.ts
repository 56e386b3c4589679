// expect: last seen, in seconds
const rememberFor = (_seconds: number): LabClientOptions => ({
  clean: true,
  properties: { sessionExpiryInterval: 0 },
});
