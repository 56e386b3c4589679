// expect: a line of the log: who was ended
const claims = {
  cause: "identity",
  evidence: "New client connected",
  east: { ...east, clientId: "recorder-east" },
  west: { ...west, clientId: "recorder-west" },
};
