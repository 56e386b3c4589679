// expect: the subscription
const boilerFilter = "plant/#/boiler/#";
