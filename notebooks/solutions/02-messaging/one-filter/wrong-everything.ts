// expect: topics that came and are not theirs
const boilerFilter = "plant/#";
