/** Runs the test files of one part, two at a time, and tells how it goes. */
import { relative } from "node:path";
import { run } from "node:test";
import { courseRoot } from "../../core/paths";
import { errorText, type Tally } from "./tally";

/** What the runner's events carry, as far as we read it. */
interface Outcome {
  name: string;
  nesting: number;
  file?: string;
  skip?: string | boolean;
  todo?: string | boolean;
  details: { duration_ms: number; type?: string; error?: Error & { failureType?: string } };
}

/** A file that runs longer hangs. The longest, all labs in containers, takes a quarter of it. */
const longest = 30 * 60_000;

export async function runPart(part: string, files: string[], tally: Tally): Promise<void> {
  const began = Date.now();
  const before = { passed: tally.passed, failed: tally.failed, skipped: tally.skipped };
  const printed = new Map<string, string>();
  const begun = new Map<string, number>();
  const status = new StatusLine(part);
  // Each file has a process of its own, so that one that breaks takes no other with it.
  const events = run({ files, concurrency: 2, timeout: longest });
  const noteOutput = ({ file, message }: { file?: string; message: string }) => {
    if (file) printed.set(file, ((printed.get(file) ?? "") + message).slice(-8_000));
  };
  events.on("test:stdout", noteOutput);
  events.on("test:stderr", noteOutput);
  const noteTime = (file: string | undefined): void => {
    if (file) tally.took(shortFile(file), Date.now() - (begun.get(file) ?? Date.now()));
  };
  events.on("test:start", ({ name, file }) => {
    if (file && !begun.has(file)) begun.set(file, Date.now());
    status.show(name);
  });
  events.on("test:pass", (event: Outcome) => {
    noteTime(event.file);
    if (event.details.type === "suite") return;
    if (event.skip) tally.skip(fullName(part, event), event.skip);
    else tally.pass();
  });
  events.on("test:fail", (event: Outcome) => {
    noteTime(event.file);
    const { error, type } = event.details;
    // Their tests have been counted.
    if (error?.failureType === "subtestsFailed" || (type === "suite" && error?.failureType !== "hookFailed")) return;
    const name = fullName(part, event);
    if (event.todo) return tally.skip(name, `not done yet${typeof event.todo === "string" ? `: ${event.todo}` : ""}`);
    tally.fail(name, error);
    status.line(`\n✗ ${name}\n${indent(errorText(error))}`);
    const output = event.file && printed.get(event.file);
    if (output) status.line(`  printed by ${shortFile(event.file!)}:\n${indent(output.trimEnd())}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    events.once("end", resolve);
    events.once("error", reject);
    events.resume();
  });
  status.end();
  const counts = (["passed", "failed", "skipped"] as const)
    .map((kind) => [kind, tally[kind] - before[kind]] as const)
    .filter(([kind, count]) => count > 0 || kind === "passed")
    .map(([kind, count]) => `${count} ${kind}`);
  console.log(`${part}: ${counts.join(", ")}, ${((Date.now() - began) / 1_000).toFixed(1)} s`);
}

const shortFile = (file: string): string =>
  relative(courseRoot, file).replace("dist-test", "test").replace(/\.js$/, ".ts");

const fullName = (part: string, { name, file }: Outcome): string => {
  const where = file
    ? shortFile(file)
        .replace(/^.*[\\/]test[\\/]/, "")
        .replace(/\.test\.ts$/, "")
    : part;
  return file && name.endsWith(".test.js") ? where : `${where}: ${name}`;
};

const indent = (text: string): string => text.replace(/^/gm, "  ");

/** On a terminal, what runs now; elsewhere nothing, as each part's own line is enough. */
class StatusLine {
  readonly #part: string;
  readonly #moving = process.stdout.isTTY === true;

  constructor(part: string) {
    this.#part = part;
  }

  show(name: string): void {
    if (!this.#moving) return;
    const text = `${this.#part} › ${name}`.slice(0, (process.stdout.columns ?? 80) - 1);
    process.stdout.write(`\r\x1b[K${text}`);
  }

  line(text: string): void {
    this.end();
    console.log(text);
  }

  end(): void {
    if (this.#moving) process.stdout.write("\r\x1b[K");
  }
}
