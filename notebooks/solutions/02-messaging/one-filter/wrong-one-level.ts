// expect: topics of theirs that did not arrive
const boilerFilter = "plant/+/boiler/+";
