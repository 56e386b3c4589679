// expect: that packet breaks 4.3.3-10
const claims = {
  "4.3.3-10": "broker",
  "4.4.0-1": "device",
  evidence: yard.select("PUBLISH")[2]!.number,
  repaired: weigh,
};
