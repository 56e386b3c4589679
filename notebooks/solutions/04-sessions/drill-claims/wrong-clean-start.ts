// expect: both stay connected
// Two processes, still one name: starting clean gives neither of them a place of its own.
const claims = {
  cause: "identity",
  evidence: drillLog.find((line) => /taken over|already connected/.test(line.text))?.text ?? "",
  east: { ...east, clean: true },
  west: { ...west, clean: true },
};
