// expect: another host's certificate is refused
const trust = (root: string): LabClientOptions => ({
  ca: root,
  servername: "elsewhere.example",
});
