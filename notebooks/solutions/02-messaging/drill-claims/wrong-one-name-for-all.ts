// expect: meters heard after the repair
const claims = {
  meters: ["23", "31"],
  evidence: [8, 12],
  repaired: fleet.map(({ meter }) => ({ meter, topic: "plant/south/boiler/1/temp" })),
};
