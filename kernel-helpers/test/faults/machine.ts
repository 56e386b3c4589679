/** What the tests of faults share: child processes whose machine looks different. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { TestContext } from "node:test";
import type { EngineKind } from "kernel-helpers/dist/brokers/engine";
import { type Selection, selectEngine } from "kernel-helpers/dist/brokers/select";
import { LabError } from "kernel-helpers/dist/core/errors";
import type { Scope } from "kernel-helpers/dist/core/scope";
import { openScope } from "kernel-helpers/dist/kernel/watch";

const DIST = dirname(dirname(require.resolve("kernel-helpers/dist/brokers/select")));

/** The release that each engine has on any machine. */
export const RELEASE = { docker: "2.1", embedded: "2.1", local: "2.0.11" } as const;

export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** What stands before the program on the command line. */
  readonly before?: readonly string[];
  readonly uid?: number;
  /** The built package; the course's own unless the test made another. */
  readonly dist?: string;
}

/** Runs an async function's body (it finds the package's folder as D) in a process; resolves to what it returned. */
export async function child(body: string, options: ChildOptions = {}): Promise<Record<string, unknown>> {
  const { env = process.env, before = [], uid, dist = DIST } = options;
  const code = `const D=${JSON.stringify(dist)},{selectEngine}=require(D+"/brokers/select"),{planBroker}=require(D+"/brokers/plan"),
    {openScope}=require(D+"/kernel/watch"),mqtt=require(require.resolve("mqtt",{paths:[D]})),
    told=(e)=>({code:e.code,message:e.message,hint:e.hint});
    (async()=>{${body}})().then(x=>console.log("\\n"+JSON.stringify(x)))`;
  const [program = "", ...args] = [...before, process.execPath, "-e", code];
  const one = spawn(program, args, {
    env,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 50_000,
    ...(uid === undefined ? {} : { uid, gid: uid, cwd: "/" }),
  });
  let stdout = "";
  let stderr = "";
  one.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  one.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const status = await new Promise((resolve, reject) => one.on("close", resolve).on("error", reject));
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;
}

/** The command line for a process that has mounts of its own, made by these shell lines. */
export const withMounts = (lines: readonly string[]): string[] => [
  "unshare",
  "-m",
  "sh",
  "-ec",
  `${lines.join("\n")}\nexec "$@"`,
  "sh",
];

export function privateMounts(): boolean {
  try {
    execFileSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/mnt"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** The engine, or null after the test was skipped since this machine lacks it. */
export async function engineHere(t: TestContext, kind: EngineKind): Promise<Selection["engine"] | null> {
  try {
    return (await selectEngine({ wanted: kind })).engine;
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    t.skip(error.message);
    return null;
  }
}

/** A scope whose end the test waits for, and of which nothing may be left. */
export async function scopeOf(t: TestContext): Promise<Scope> {
  const scope = await openScope("faults");
  t.after(async () => {
    await scope.close();
    assert.equal(existsSync(scope.folder), false);
  });
  return scope;
}
