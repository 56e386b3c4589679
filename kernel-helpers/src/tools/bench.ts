/** `npm run bench`: what the course promises about speed, measured now; each row of `bench/` beside the raw way. */
import { existsSync, readdirSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import type { Row } from "./bench/row";
import { columns, printError, type Tool } from "./cli";

const folder = join(__dirname, "bench");

export const main: Tool = async ({ words, options }) => {
  const parts = readdirSync(folder)
    .filter((name) => name.endsWith(".js") && name !== "row.js" && existsSync(sourceOf(name)))
    .map((name) => name.slice(0, -3));
  const unknown = words.find((word) => !parts.includes(word));
  if (unknown !== undefined) {
    console.error(`npm run bench: there is no part "${unknown}"; there are: ${parts.join(", ")}`);
    console.error(`Try: npm run bench${parts[0] ? ` -- ${parts[0]}` : ""}`);
    return 2;
  }
  const rows: Row[] = [];
  let failed = false;
  for (const part of parts.filter((name) => !words.length || words.includes(name))) {
    console.error(`measuring ${part} …`);
    for (const measure of await measuresOf(part)) {
      try {
        rows.push(...(await measure()));
      } catch (error) {
        failed = true;
        printError(error);
      }
    }
  }
  if (options.json) console.log(JSON.stringify({ node: process.version, cpus: cpus().length, load: loadavg(), rows }));
  else console.log(table(rows));
  return failed || rows.some(missed) ? 1 : 0;
};

const sourceOf = (name: string): string =>
  join(__dirname, "..", "..", "src", "tools", "bench", name.replace(/\.js$/, ".ts"));

/** Every exported function whose name begins with "bench". */
async function measuresOf(part: string): Promise<(() => Promise<Row[]>)[]> {
  const exported = (await import(join(folder, `${part}.js`))) as Record<string, unknown>;
  return Object.entries(exported)
    .filter(([name, value]) => /^bench[A-Z]/.test(name) && typeof value === "function")
    .map(([, value]) => value as () => Promise<Row[]>);
}

/** An aim is the most that a value may be. */
const missed = ({ value, aim }: Row): boolean => typeof aim === "number" && value > aim;

function table(rows: readonly Row[]): string {
  const number = (value: number) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3));
  const verdict = (row: Row) => {
    if (row.aim === undefined) return "";
    return typeof row.aim === "string"
      ? row.aim
      : `${missed(row) ? "MISSED, " : "within "}${number(row.aim)} ${row.unit}`;
  };
  return columns([
    ["what", "measured", "aim"],
    ...rows.map((row) => [row.name, `${number(row.value)} ${row.unit}`, verdict(row)]),
  ]);
}
