const trust = (root: string): LabClientOptions => ({
  ca: root,
});
