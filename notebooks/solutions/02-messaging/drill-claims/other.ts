const claims = {
  meters: fleet.filter(({ meter }) => !display.messages.some((message) => message.text === meter)).map(({ meter }) => meter),
  evidence: [8, 12],
  repaired: [17, 18, 23, 24, 31, 32].map((n) => ({ meter: `${n}`, topic: `plant/${n < 20 ? "north" : "south"}/boiler/${n}/temp` })),
};
