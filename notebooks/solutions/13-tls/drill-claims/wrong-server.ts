// expect: the cause
const claims = {
  cause: "server",
  evidence: `CN=broker, valid until ${night.validTo.toISOString().slice(0, 10)}`,
  chain: server.certificate + night.chain.slice(night.certificate.length),
};
