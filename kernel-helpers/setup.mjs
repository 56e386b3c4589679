// The door of every npm script: `node kernel-helpers/setup.mjs TOOL [words and options]`. Brings what TOOL needs and
// is not there yet (packages, build, JupyterLab, kernel), then runs it. Uses nothing but Node itself, and only
// syntax that an old Node can read, so that the old Node gets a sentence and not a stack.
const oldest = [20, 19];
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
  import("./setup/system.mjs").then(
    ({ howToGet }) => {
      console.error(`This needs Node ${oldest.join(".")} or newer; this is Node ${process.versions.node}.`);
      console.error(`Try: ${howToGet("node")}`);
      process.exitCode = 3;
    },
    () => {
      console.error(`This needs Node ${oldest.join(".")} or newer; this is Node ${process.versions.node}.`);
      console.error("Try: install a current Node from https://nodejs.org");
      process.exitCode = 3;
    },
  );
} else {
  import("./setup/main.mjs").then(({ main }) => main(process.argv.slice(2)));
}
