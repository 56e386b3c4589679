/** Runs upstream's broker tests (Python, `test/broker` of Mosquitto's sources) against any program called mosquitto. */
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cachePath } from "kernel-helpers/dist/core/paths";

/** A test as upstream's own list (test.py) has it. */
export interface UpstreamTest {
  /** "15-persist-client-v5-0.py persist_sqlite" */
  readonly name: string;
  readonly words: readonly string[];
  readonly ports: number;
}

export interface UpstreamResult {
  readonly name: string;
  readonly passed: boolean;
  /** How often it was run: upstream's own runner gives a test six attempts too. */
  readonly attempts: number;
  readonly output: string;
}

const ATTEMPTS = 6;
const TIMEOUT = 60_000;
const PORTS_EACH = 6;

/** Where the build unpacked Mosquitto's sources, or null. */
export function mosquittoSources(): string | null {
  const folder = cachePath("embedded", "sources");
  try {
    const name = readdirSync(folder).find((one) => /^mosquitto-[\d.]+-[0-9a-f]+$/.test(one));
    return name ? join(folder, name) : null;
  } catch {
    return null; // nothing was built
  }
}

/**
 * Lays out a folder as upstream's tests expect a build: the tests, and src/mosquitto.
 * @param program the text of the executable src/mosquitto.
 */
export function layOut(sources: string, root: string, program: string): string {
  cpSync(join(sources, "test"), join(root, "test"), { recursive: true });
  const folder = join(root, "test", "broker");
  // Some tests run others as programs; the unpacked sources have no modes.
  for (const file of readdirSync(folder)) if (file.endsWith(".py")) chmodSync(join(folder, file), 0o755);
  mkdirSync(join(root, "src"), { recursive: true });
  writeFileSync(join(root, "src", "mosquitto"), program, { mode: 0o755 });
  mkdirSync(join(root, "bin"));
  writeFileSync(join(root, "bin", "valgrind"), VALGRIND, { mode: 0o755 });
  return folder;
}

/**
 * Upstream's tests have a mode for slow brokers: under valgrind they wait a second where they else wait a tenth, which a
 * new Node process on a busy machine can miss. This valgrind only runs its program.
 */
const VALGRIND = `#!/bin/sh
while [ "\${1#-}" != "$1" ]; do shift; done
exec "$@"
`;

/** Upstream's own list, read by Python itself. */
export function listTests(folder: string): UpstreamTest[] {
  const script = "import json, runpy; print(json.dumps(runpy.run_path('test.py')['tests']))";
  const rows = JSON.parse(execFileSync("python3", ["-c", script], { cwd: folder, encoding: "utf8" })) as (
    | [number, string]
    | [number, string, string | string[]]
  )[];
  return rows.map(([ports, path, more = []]) => {
    const words = [path.replace(/^\.\//, ""), ...(Array.isArray(more) ? more : [more])];
    return { name: words.join(" "), words, ports };
  });
}

function slowMode(folder: string): NodeJS.ProcessEnv {
  const bin = join(folder, "..", "..", "bin");
  return { ...process.env, MOSQ_USE_VALGRIND: "1", PATH: `${bin}${delimiter}${process.env.PATH}` };
}

function runOnce(
  folder: string,
  test: UpstreamTest,
  firstPort: number,
  env: NodeJS.ProcessEnv,
  user: number | undefined,
): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve) => {
    const ports = Array.from({ length: test.ports }, (_, index) => String(firstPort + index));
    // A process group of its own: a test that is ended leaves its brokers and helpers behind.
    const child = spawn("python3", [...test.words, ...ports], {
      cwd: folder,
      detached: true,
      env,
      uid: user,
      gid: user,
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output = (output + text).slice(-4_000);
      });
    }
    const endGroup = () => {
      try {
        process.kill(-child.pid!, "SIGKILL");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      }
    };
    const timer = setTimeout(endGroup, TIMEOUT);
    child.once("exit", (code) => {
      clearTimeout(timer);
      endGroup();
      resolve({ ok: code === 0, output });
    });
  });
}

/** Whom a program that won't be root runs as: the folder becomes that user's. undefined = this user. */
export function unprivileged(root: string): number | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const nobody = 65_534;
  execFileSync("chown", ["-R", `${nobody}:${nobody}`, root]);
  return nobody;
}

/** Runs tests, a few at a time, each with ports of its own; those that fail are run again alone, from the third attempt in slow mode. */
export async function runTests(
  folder: string,
  tests: readonly UpstreamTest[],
  options: { jobs: number; firstPort: number; user?: number },
): Promise<UpstreamResult[]> {
  const results = new Map<string, UpstreamResult>();
  const attempt = async (index: number, test: UpstreamTest): Promise<boolean> => {
    const attempts = (results.get(test.name)?.attempts ?? 0) + 1;
    const env = attempts > 2 ? slowMode(folder) : process.env;
    const { ok, output } = await runOnce(folder, test, options.firstPort + index * PORTS_EACH, env, options.user);
    results.set(test.name, { name: test.name, passed: ok, attempts, output });
    return ok;
  };
  const waiting = [...tests.entries()];
  const failed: [number, UpstreamTest][] = [];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) if (!(await attempt(...next))) failed.push(next);
  };
  await Promise.all(Array.from({ length: options.jobs }, work));
  for (const one of failed) {
    for (let tries = 1; tries < ATTEMPTS; tries++) if (await attempt(...one)) break;
  }
  return [...results.values()];
}
