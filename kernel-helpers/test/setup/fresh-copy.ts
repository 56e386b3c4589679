/** A fresh copy of the project as `git clone` would give it, and its commands run as a person would run them. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import type { TestContext } from "node:test";

export const root = dirname(dirname(require.resolve("kernel-helpers/package.json")));

/** Why fresh copies can't be made here, or false. */
export const noCopies: string | false = existsSync(join(root, ".git"))
  ? process.platform === "win32" && "these tests speak of process groups and signals"
  : "this is no git checkout, so nothing says which files belong to the project";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** The first match in what it printed so far or prints later; rejects when it ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** To the whole group, as a terminal's Ctrl-C. */
  signal(name: NodeJS.Signals): void;
}

export class FreshCopy {
  folder: string;
  /** Stands in for the user's own folder: must stay empty. */
  readonly home: string;
  readonly #base: string;

  /** A folder with a space and a quote in its name; downloads of other copies and of the project are used again. */
  constructor(t: TestContext, options: { cache?: boolean } = {}) {
    this.#base = mkdtempSync(join(tmpdir(), "fresh-copy-"));
    t.after(() => rmSync(this.#base, { recursive: true, force: true, maxRetries: 5 }));
    this.folder = join(this.#base, "the learner's course");
    this.home = join(this.#base, "home");
    mkdirSync(this.home);
    for (const name of projectFiles()) cpSync(join(root, name), join(this.folder, name));
    if (options.cache === false) return;
    mkdirSync(join(this.folder, ".cache"));
    for (const name of ["npm", "pip"]) {
      mkdirSync(join(root, ".cache", name), { recursive: true });
      symlinkSync(join(root, ".cache", name), join(this.folder, ".cache", name));
    }
  }

  /** npm itself makes an empty ~/.npm before it runs anything. */
  get homeContent(): string[] {
    return readdirSync(this.home, { recursive: true, encoding: "utf8" }).filter((name) => name !== ".npm");
  }

  /** A folder whose programs come before the machine's. */
  shims(programs: Readonly<Record<string, string>>): string {
    const folder = mkdtempSync(join(this.#base, "shims-"));
    for (const [name, script] of Object.entries(programs)) writeFileSync(join(folder, name), script, { mode: 0o755 });
    return folder;
  }

  /** Runs one of its npm scripts; ended at the end of the test at the latest. */
  npm(t: TestContext, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    return run(t, "npm", args, { cwd: this.folder, env: { ...this.env(), ...env } });
  }

  /** The same without npm and its shell between: they have ends of their own when a signal reaches them. */
  direct(t: TestContext, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    const words = ["kernel-helpers/setup.mjs", ...args];
    return run(t, process.execPath, words, { cwd: this.folder, env: { ...this.env(), ...env } });
  }

  /** Without what the npm and the test runner around this test have set; with this machine's ways to its packages. */
  env(): NodeJS.ProcessEnv {
    const passed = /^(PATH|LANG|LC_.*|TMPDIR|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|.*_proxy|.*_PROXY|PIP_.*)$/;
    const npmOnes = /^npm_config_(registry|cafile|strict_ssl)$/;
    const kept = Object.entries(process.env).filter(([name]) => passed.test(name) || npmOnes.test(name));
    const userConfig = join(homedir(), ".npmrc");
    return {
      ...Object.fromEntries(kept),
      HOME: this.home,
      ...(existsSync(userConfig) ? { npm_config_userconfig: userConfig } : {}),
      // No browser can be opened by mistake.
      DISPLAY: "",
      WAYLAND_DISPLAY: "",
    };
  }
}

/** What git tracks or would track: a clone of the work as it stands. */
function projectFiles(): string[] {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root });
  return listed
    .toString()
    .split("\0")
    .filter((name) => name && existsSync(join(root, name)));
}

export function pathWith(folder: string): string {
  return [folder, process.env.PATH].join(delimiter);
}

function run(
  t: TestContext,
  command: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Running {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let stdout = "";
  let stderr = "";
  let over: Ended | undefined;
  const watchers = new Set<() => void>();
  const notify = () => {
    for (const watcher of [...watchers]) watcher();
  };
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    notify();
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    notify();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      over = { code, signal, stdout, stderr };
      resolve(over);
      notify();
    });
  });
  const signal = (name: NodeJS.Signals) => {
    if (!over) process.kill(-child.pid!, name);
  };
  t.after(async () => {
    signal("SIGKILL");
    await ended;
  });
  const printed = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(`${stdout}\n${stderr}`);
        if (!match && !over) return;
        watchers.delete(look);
        if (match) resolve(match);
        else reject(new Error(`ended with ${over!.code} before it printed ${pattern}:\n${stdout}\n${stderr}`));
      };
      watchers.add(look);
      look();
    });
  return { child, ended, printed, signal };
}
