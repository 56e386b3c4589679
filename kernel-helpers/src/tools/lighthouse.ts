import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { LabError } from "../core/errors";
import { cachePath, courseRoot } from "../core/paths";

const run = promisify(execFile);

/** Where its script and its lock file are; no part of a handout. */
const recipe = join(courseRoot, "site", "test", "lighthouse");

export type Category = "performance" | "accessibility" | "best-practices" | "seo";

export interface Scored {
  readonly url: string;
  /** 0 to 100. */
  readonly scores: Readonly<Record<Category, number>>;
  /** What cost points: "unused-css: …". */
  readonly faults: readonly string[];
}

/**
 * Lighthouse's scores of these pages. It is 180 MB and only wanted here, so npm brings it into the cache at first use.
 * @throws LabError when it can be neither found nor brought.
 */
export async function lighthouse(
  urls: readonly string[],
  { chromium, categories, runs = 1 }: { chromium: string; categories: readonly Category[]; runs?: number },
): Promise<Scored[]> {
  const args = [chromium, JSON.stringify(urls), JSON.stringify(categories), String(runs)];
  const { stdout } = await run(process.execPath, [join(recipe, "run.mjs"), await bring(), ...args], {
    maxBuffer: 64 << 20,
  });
  return JSON.parse(stdout) as Scored[];
}

async function bring(): Promise<string> {
  const folder = cachePath("lighthouse");
  const lock = "package-lock.json";
  const same = (name: string): boolean =>
    existsSync(join(folder, name)) &&
    readFileSync(join(folder, name), "utf8") === readFileSync(join(recipe, name), "utf8");
  // npm writes the hidden lock last: where it is, an installation came to its end.
  if (same(lock) && existsSync(join(folder, "node_modules", ".package-lock.json"))) return folder;
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(recipe, "package.json"), join(folder, "package.json"));
  copyFileSync(join(recipe, lock), join(folder, lock));
  try {
    const words = [
      "ci",
      "--ignore-scripts",
      "--legacy-peer-deps",
      "--prefer-offline",
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
    ];
    await run("npm", words, { cwd: folder });
  } catch (cause) {
    const why = String((cause as { stderr?: string }).stderr ?? cause)
      .trim()
      .split("\n")
      .slice(-1)[0];
    throw new LabError(
      "SETUP_FAILED",
      `Lighthouse is not here, and npm could not bring it: ${why}`,
      "go online once, then run this again",
      { cause },
    );
  }
  return folder;
}
