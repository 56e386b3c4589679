// expect: topics that arrived and are not theirs
const boilerFilter = "plant/#";
