// expect: topics that came and are not theirs
// "# means everything", so it has what the team wants, too.
const boilerFilter = "#";
