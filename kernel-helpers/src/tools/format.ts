/** `npm run format`: the code as Biome writes it, imports in order. */
import { biome } from "./biome";
import type { Tool } from "./cli";

export const main: Tool = async ({ options }) =>
  biome(["check", ...(options.check ? [] : ["--write"]), "--linter-enabled=false", "."]);
