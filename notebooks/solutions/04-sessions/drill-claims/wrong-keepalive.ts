// expect: the cause
const claims = {
  cause: "keepalive",
  evidence: "Client recorder-main disconnected: exceeded timeout.",
  east: { ...east, keepalive: 10 },
  west: { ...west, keepalive: 10 },
};
