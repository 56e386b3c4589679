// expect: that is who broke 4.3.3-10
const claims = { "4.3.3-10": "device", "4.4.0-1": "device", evidence: 0, repaired: weigh };
