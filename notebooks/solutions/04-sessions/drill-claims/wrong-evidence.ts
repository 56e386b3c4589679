// expect: the log line says who ended whom
const claims = {
  cause: "identity",
  evidence: "New client connected",
  east: { ...east, clientId: "recorder-east" },
  west: { ...west, clientId: "recorder-west" },
};
