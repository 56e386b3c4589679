/** Runs test files, two at a time, and tells how it goes. */
import { basename, relative } from "node:path";
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

export interface TestPart {
  readonly name: string;
  readonly files: readonly string[];
}

interface Work {
  readonly part: string;
  readonly file: string;
}

/** Runs one part. */
export const runPart = (name: string, files: readonly string[], tally: Tally): Promise<void> =>
  runParts([{ name, files }], tally);

/**
 * Runs the parts' files, two at a time: one lane takes them in order, so that what is fundamental is known first; the
 * other takes the long ones and then from the end, so that both are done at the same time.
 *
 * @param long names of files ("prove.test.js"), the longest first.
 */
export async function runParts(parts: readonly TestPart[], tally: Tally, long: readonly string[] = []): Promise<void> {
  const all = parts.flatMap(({ name, files }) => files.map((file): Work => ({ part: name, file })));
  const rank = ({ file }: Work): number => long.indexOf(basename(file));
  const waiting = [
    ...all.filter((work) => rank(work) < 0),
    ...all.filter((work) => rank(work) >= 0).sort((a, b) => rank(b) - rank(a)),
  ];
  const boards = new Map(parts.map(({ name, files }) => [name, new Board(name, files.length)]));
  const status = new StatusLine();
  const lane = async (next: () => Work | undefined): Promise<void> => {
    for (let work = next(); work; work = next()) {
      const began = Date.now();
      const board = boards.get(work.part)!;
      await runFile(work, tally, board, status);
      tally.took(shortFile(work.file), Date.now() - began);
      const line = board.done(Date.now() - began);
      if (line) status.line(line);
    }
  };
  await Promise.all([lane(() => waiting.shift()), lane(() => waiting.pop())]);
  status.end();
}

/** What the tests of one part did. */
class Board {
  readonly counts = { passed: 0, failed: 0, skipped: 0 };
  readonly #part: string;
  #left: number;
  #time = 0;

  constructor(part: string, files: number) {
    this.#part = part;
    this.#left = files;
  }

  /** @param time of a file, in milliseconds. Returns the part's line when that was its last. */
  done(time: number): string | undefined {
    this.#time += time;
    if (--this.#left > 0) return undefined;
    const counts = Object.entries(this.counts)
      .filter(([kind, count]) => count > 0 || kind === "passed")
      .map(([kind, count]) => `${count} ${kind}`);
    return `${this.#part}: ${counts.join(", ")}, ${(this.#time / 1_000).toFixed(1)} s`;
  }
}

/** Each file has a process of its own, so that one that breaks takes no other with it. */
async function runFile({ part, file }: Work, tally: Tally, board: Board, status: StatusLine): Promise<void> {
  let printed = "";
  const events = run({ files: [file], concurrency: 1, timeout: longest });
  const noteOutput = ({ message }: { message: string }) => {
    printed = (printed + message).slice(-8_000);
  };
  events.on("test:stdout", noteOutput);
  events.on("test:stderr", noteOutput);
  events.on("test:start", ({ name }) => status.show(`${part} › ${name}`));
  events.on("test:pass", (event: Outcome) => {
    if (event.details.type === "suite") return;
    if (event.skip) {
      board.counts.skipped++;
      tally.skip(fullName(part, event), event.skip);
    } else {
      board.counts.passed++;
      tally.pass();
    }
  });
  events.on("test:fail", (event: Outcome) => {
    const { error, type } = event.details;
    // Their tests have been counted.
    if (error?.failureType === "subtestsFailed" || (type === "suite" && error?.failureType !== "hookFailed")) return;
    const name = fullName(part, event);
    if (event.todo) {
      board.counts.skipped++;
      tally.skip(name, `not done yet${typeof event.todo === "string" ? `: ${event.todo}` : ""}`);
      return;
    }
    board.counts.failed++;
    tally.fail(name, error);
    status.line(`\n✗ ${name}\n${indent(errorText(error))}`);
    if (printed) status.line(`  printed by ${shortFile(file)}:\n${indent(printed.trimEnd())}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    events.once("end", resolve);
    events.once("error", reject);
    events.resume();
  });
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
  readonly #moving = process.stdout.isTTY === true;

  show(name: string): void {
    if (this.#moving) process.stdout.write(`\r\x1b[K${name.slice(0, (process.stdout.columns ?? 80) - 1)}`);
  }

  line(text: string): void {
    this.end();
    console.log(text);
  }

  end(): void {
    if (this.#moving) process.stdout.write("\r\x1b[K");
  }
}
