// expect: meters heard after the repair
fleet.length = 0;
const claims = { meters: ["none"], evidence: [] as number[], repaired: fleet };
