// expect: each its own session
const claims = {
  cause: "identity",
  evidence: drillLog.find((line) => /taken over|already connected/.test(line.text))?.text ?? "",
  east: { ...east, clientId: "recorder-east", clean: true },
  west: { ...west, clientId: "recorder-west", clean: true },
};
