// expect: topics of theirs that did not arrive
// "sport/# excludes sport", so one level has to be there.
const boilerFilter = "plant/+/boiler/+/#";
