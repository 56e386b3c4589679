// expect: the packets that say so
const claims = {
  meters: ["23", "31"],
  evidence: [7, 11],
  repaired: fleet.map(({ meter, topic }) => ({ meter, topic: topic.toLowerCase().replace(/^\//, "") })),
};
