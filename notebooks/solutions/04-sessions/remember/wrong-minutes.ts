// expect: last seen, in seconds
const rememberFor = (seconds: number): LabClientOptions => ({
  clean: false,
  properties: { sessionExpiryInterval: seconds * 60 },
});
