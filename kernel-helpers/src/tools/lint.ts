/** `npm run lint`: style and faults by Biome, the order of the floors; set-up has compiled, and so checked the types. */
import { join } from "node:path";
import { courseRoot } from "../core/paths";
import { biome } from "./biome";
import type { Tool } from "./cli";
import { runPart } from "./test/run-part";
import { Tally } from "./test/tally";

export const main: Tool = async () => {
  const style = await biome(["check", "--error-on-warnings", "."]);
  const tally = new Tally();
  await runPart("core", [join(courseRoot, "kernel-helpers", "dist-test", "core", "floors.test.js")], tally);
  return style === 0 && tally.failed === 0 ? 0 : 1;
};
