// expect: the subscription
const boilerFilter = { length: 16, toString: () => "plant/+/boiler/#", split: () => ["plant", "+", "boiler", "#"] } as unknown as string;
