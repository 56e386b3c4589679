/** `npm run clean`: what of ours takes how much disk, and away with it once that was agreed to. */
import { createInterface } from "node:readline/promises";
import { LabError } from "../core/errors";
import { engineItems, type Item } from "./clean/engine-items";
import { folderItems } from "./clean/folder-items";
import { columns, size, type Tool } from "./cli";

export const main: Tool = async ({ options }) => {
  const inEngine = await engineItems();
  if (inEngine instanceof LabError) console.log(`Containers and images are left out: ${inEngine.message}.`);
  const items = [...(inEngine instanceof LabError ? [] : inEngine), ...(await folderItems())];
  if (items.length === 0) {
    console.log("Nothing of ours is here.");
    return 0;
  }
  const total = items.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
  console.log(
    columns([...items.map(({ what, bytes }) => [bytes === null ? "?" : size(bytes), what]), [size(total), "in all"]]),
  );
  console.log("All of it comes back when it is needed. Your notebooks in notebooks/mine stay.");
  if (options["dry-run"]) return 0;
  if (!options.yes && !(await agreed())) {
    console.log("Nothing was removed.");
    return 0;
  }
  return (await removeAll(items)) ? 0 : 1;
};

async function agreed(): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.log("There is nobody to ask here. To remove it: npm run clean -- --yes");
    return false;
  }
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await lines.question("Remove all of this? [y/N] ")).trim());
  } finally {
    lines.close();
  }
}

/** Each, even if another can't be removed. */
async function removeAll(items: readonly Item[]): Promise<boolean> {
  let all = true;
  for (const { what, remove } of items) {
    try {
      await remove();
    } catch (error) {
      all = false;
      console.error(`${what} could not be removed: ${(error as Error).message}`);
    }
  }
  console.log(all ? "Removed." : "Some of it could not be removed; see above.");
  return all;
}
