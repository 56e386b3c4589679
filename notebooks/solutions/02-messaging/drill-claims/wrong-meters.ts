// expect: the meters that nobody hears
const claims = {
  meters: ["24", "32"],
  evidence: [10, 14],
  repaired: fleet,
};
