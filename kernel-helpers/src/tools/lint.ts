/**
 * `npm run lint`: style and faults by Biome, the order of the floors, the notebooks' rules and the types of their cells;
 * set-up has compiled, and so checked the types of the code.
 */
import { join } from "node:path";
import { courseRoot } from "../core/paths";
import { biome } from "./biome";
import type { Tool } from "./cli";
import { lintNotebooks, printFindings } from "./notebooks";
import { runPart } from "./test/run-part";
import { Tally } from "./test/tally";

export const main: Tool = async () => {
  const style = await biome(["check", "--error-on-warnings", "."]);
  const tally = new Tally();
  await runPart("core", [join(courseRoot, "kernel-helpers", "dist-test", "core", "floors.test.js")], tally);
  const wrong = printFindings(await lintNotebooks());
  return style === 0 && tally.failed === 0 && !wrong ? 0 : 1;
};
