// expect: topics of the boiler team that did not arrive
const boilerFilter = "plant/north/boiler/#";
