/** `npm run format`: the code as Biome writes it, the notebooks and course.json as the formatter does. */
import { biome } from "./biome";
import type { Tool } from "./cli";
import { formatNotebooks } from "./notebooks";

export const main: Tool = async ({ options }) => {
  const check = options.check === true;
  const code = await biome(["check", ...(check ? [] : ["--write"]), "--linter-enabled=false", "."]);
  const changed = await formatNotebooks({ check });
  for (const file of changed)
    console.log(`notebooks/${file}: ${check ? "not as the formatter writes it" : "formatted"}`);
  return code === 0 && !(check && changed.length) ? 0 : 1;
};
