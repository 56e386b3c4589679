// expect: who broke 4.3.3-10, and who 4.4.0-1
const claims = { "4.3.3-10": "device", "4.4.0-1": "device", evidence: 0, repaired: weigh };
