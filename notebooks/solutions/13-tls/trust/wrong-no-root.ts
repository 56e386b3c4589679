// expect: the right broker
const trust = (_root: string): LabClientOptions => ({
  rejectUnauthorized: true,
});
