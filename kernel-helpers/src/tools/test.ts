/** `npm test`: runs the compiled tests part by part, says what failed and why, what was skipped and why. */
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { courseRoot } from "../core/paths";
import type { Tool } from "./cli";
import { runParts } from "./test/run-part";
import { Tally } from "./test/tally";

const sources = join(courseRoot, "kernel-helpers", "test");
const compiled = join(courseRoot, "kernel-helpers", "dist-test");
/** The site's tests lie beside its renderer. */
const site = { sources: join(courseRoot, "site", "test"), compiled: join(courseRoot, "site", "dist-test") };

/** Quick and fundamental parts first; parts that are not named here come before the slow ones. */
const first = ["core", "mqtt", "notebook", "views", "certs", "brokers", "checks", "kernel", "lab"];
const last = ["tools", "site", "setup", "course"];
/** They run beside all others from the start. */
const long = ["prove", "labs-docker", "grading", "labs-local", "labs-embedded"].map((name) => `${name}.test.js`);

export const main: Tool = async ({ words, options }) => {
  const parts = partsThere();
  const unknown = words.filter((word) => !parts.includes(word));
  if (unknown.length) {
    console.error(`npm test: there is no part "${unknown[0]}"; there are: ${parts.join(", ")}`);
    console.error(`Try: npm test -- ${parts.find((part) => part.startsWith(unknown[0]!.slice(0, 2))) ?? parts[0]}`);
    return 2;
  }
  const wanted = words.length ? parts.filter((part) => words.includes(part)) : parts;
  if (options.list) {
    for (const part of wanted)
      console.log([part, ...filesOf(part).map((file) => `  ${basename(file, ".js")}`)].join("\n"));
    return 0;
  }
  // Passed on to the tests' processes: stacks speak of the TypeScript sources.
  process.execArgv.push("--enable-source-maps");
  const tally = new Tally();
  await runParts(
    wanted.map((name) => ({ name, files: filesOf(name) })),
    tally,
    long,
  );
  for (const text of [tally.longest(), tally.summary()]) if (text) console.log(`\n${text}`);
  console.log();
  console.log(tally.closingLine());
  return tally.failed > 0 ? 1 : 0;
};

function partsThere(): string[] {
  const rooms = readdirSync(sources, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const folders = [...rooms.map((entry) => entry.name), "site"].filter((part) => filesOf(part).length > 0).sort();
  const middle = folders.filter((part) => !first.includes(part) && !last.includes(part));
  return [...first, ...middle, ...last].filter((part) => folders.includes(part));
}

/** Compiled tests whose source is still there: what was deleted or renamed leaves its output behind. */
function filesOf(part: string): string[] {
  const from = part === "site" ? site.sources : join(sources, part);
  const to = part === "site" ? site.compiled : join(compiled, part);
  return readdirSync(from, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join(to, name.replace(/\.ts$/, ".js")))
    .filter((file) => existsSync(file))
    .sort();
}
