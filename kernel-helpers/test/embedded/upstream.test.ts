/** Upstream's own broker tests against the embedded broker: every one that applies passes, the others are listed. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { builtFolder } from "kernel-helpers/dist/brokers/embedded/node/modules";
import { tlsFolder } from "kernel-helpers/dist/brokers/embedded/tls-build";
import { courseRoot } from "kernel-helpers/dist/core/paths";
import { notBuilt, tlsNotBuilt } from "./lab";
import { nativeMosquitto } from "./native";
import { layOut, listTests, mosquittoSources, runTests, unprivileged } from "./upstream";

interface Skips {
  /** Why tests don't apply -> their names. */
  readonly reasons: Record<string, string[]>;
  /** Tests of TLS, and of what upstream compiles into builds with TLS only. */
  readonly onlyWithTls: string[];
  /** Tests that need a Python module of others. */
  readonly pythonModules: Record<string, string>;
  /** What the native broker of our image fails, and the embedded one passes -> why. */
  readonly nativeFails: Record<string, string>;
}

const here = join(courseRoot, "kernel-helpers", "test", "embedded");
const skips = JSON.parse(readFileSync(join(here, "upstream-skips.json"), "utf8")) as Skips;
const JOBS = 6;
const FIRST_PORT = 14_000;

const program = (folder: string): string => `#!${process.execPath}
require(${JSON.stringify(join(courseRoot, "kernel-helpers/dist/brokers/embedded/node/command.js"))})
  .runCommandLine(process.argv.slice(2), ${JSON.stringify(folder)});
`;

function hasPython(module: string, uid?: number): boolean {
  try {
    execFileSync("python3", ["-c", `import ${module}`], { stdio: "ignore", uid });
    return true;
  } catch {
    return false; // no Python, or not that module
  }
}

const sources = mosquittoSources();
const missing =
  notBuilt ||
  (process.platform === "win32" && "upstream's tests need a POSIX system") ||
  (!sources && "Mosquitto's sources are not here: npm run embedded -- --force") ||
  (!hasPython("ssl") && "python3 is not installed");

/** Runs all that apply, says what happened, and returns what failed. */
async function failures(
  t: TestContext,
  mosquitto: string,
  root: string,
  options: { firstPort: number; asNobody: boolean; list: "without TLS" | "with TLS" | "both" },
): Promise<string[]> {
  const folder = layOut(sources as string, root, mosquitto);
  // Started by root, a native Mosquitto becomes another user, who may not read what upstream's tests write.
  const user = options.asNobody ? unprivileged(root) : undefined;
  const all = listTests(folder);
  const skipped = new Set(Object.values(skips.reasons).flat());
  for (const name of skipped)
    assert.ok(
      all.some((one) => one.name === name),
      `${name} is not a test of upstream's any more`,
    );
  for (const name of options.list === "without TLS" ? skips.onlyWithTls : []) skipped.add(name);
  const lacking = Object.entries(skips.pythonModules).filter(([, module]) => !hasPython(module, user));
  for (const [name, module] of lacking) {
    skipped.add(name);
    t.diagnostic(`${name} needs the Python module ${module}, which is not installed`);
  }
  const tests = all.filter(
    ({ name }) => !skipped.has(name) && (options.list !== "with TLS" || skips.onlyWithTls.includes(name)),
  );
  const results = await runTests(folder, tests, { jobs: JOBS, firstPort: options.firstPort, user });
  const failed = results.filter((result) => !result.passed);
  const again = results.filter((result) => result.passed && result.attempts > 1);
  t.diagnostic(
    `${results.length - failed.length} of ${results.length} passed, ${skipped.size} of ${all.length} skipped`,
  );
  for (const { name, attempts } of again) t.diagnostic(`${name} passed at attempt ${attempts}`);
  return failed.map(({ name, output }) => `${name}\n${output.slice(-800)}`);
}

function temporary(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "upstream-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

test("every test of upstream's broker suite that applies passes", { skip: missing, timeout: 900_000 }, async (t) => {
  const options = { firstPort: FIRST_PORT, asNobody: false, list: "without TLS" } as const;
  assert.deepEqual(await failures(t, program(builtFolder()), temporary(t), options), []);
});

const everything = Boolean(process.env.CI || process.env.MQTT_TEST_NATIVE);
const list = everything ? "both" : "with TLS";

test(`those of TLS pass with OpenSSL${everything ? ", and all the others" : ""}`, {
  skip: missing || tlsNotBuilt,
  timeout: 900_000,
}, async (t) => {
  const options = { firstPort: FIRST_PORT + 4_000, asNobody: false, list } as const;
  assert.deepEqual(await failures(t, program(tlsFolder()), temporary(t), options), []);
});

const notAsked = !everything && "in CI, or with MQTT_TEST_NATIVE=1";

test("the native broker passes the same list", { skip: missing || notAsked, timeout: 900_000 }, async (t) => {
  const root = temporary(t);
  const native = nativeMosquitto(root);
  if (!native) return t.skip("there is no docker here, or our image of Mosquitto 2.1 is not built");
  const failed = await failures(t, native, root, { firstPort: FIRST_PORT + 2_000, asNobody: true, list: "both" });
  const known = Object.keys(skips.nativeFails);
  for (const name of known) t.diagnostic(`known to fail on the native broker: ${name} (${skips.nativeFails[name]})`);
  assert.deepEqual(
    failed.filter((one) => !known.some((name) => one.startsWith(`${name}\n`))),
    [],
  );
});
