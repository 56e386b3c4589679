// expect: that is who broke 4.4.0-1
const claims = {
  "4.3.3-10": "broker",
  "4.4.0-1": "nobody",
  evidence: yard.select("DISCONNECT")[0]!.number,
  repaired: weigh,
};
