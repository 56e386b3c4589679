// expect: the impostor is refused
const trust = (root: string): LabClientOptions => ({
  ca: root,
  rejectUnauthorized: false,
});
