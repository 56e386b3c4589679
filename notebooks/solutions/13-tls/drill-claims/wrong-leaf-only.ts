// expect: a client that has the root, and checks
const claims = {
  cause: "intermediate",
  evidence: "the intermediate is gone",
  chain: night.certificate,
};
