// expect: a line of the log: who was ended
// The reason without the name says that somebody was ended, not who.
const claims = {
  cause: "identity",
  evidence: drillLog
    .find((line) => /taken over|already connected/.test(line.text))
    ?.text.replace(/^.*?(disconnected|already)/, "$1") ?? "",
  east: { ...east, clientId: "recorder-east" },
  west: { ...west, clientId: "recorder-west" },
};
