const claims = {
  cause: "identity",
  evidence: drillLog.find((line) => /taken over|already connected/.test(line.text))?.text ?? "",
  east: { ...east, clientId: "recorder-east" },
  west: { ...west, clientId: "recorder-west" },
};
