// expect: a client that has the root, and checks
const claims = {
  cause: "root",
  evidence: "CN=plant root",
  chain: night.certificate + ca.certificate,
};
