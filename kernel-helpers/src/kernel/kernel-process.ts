import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LabError } from "../core/errors";
import { cachePath } from "../core/paths";
import type { ConnectionInfo } from "./protocol";

export interface ProcessOptions {
  /** With "{connection_file}" where its path goes. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** What a client needs of its kernel's process, wherever that runs. */
export type RunningKernel = Pick<KernelProcess, "pid" | "gone" | "ended" | "lastWords" | "kill" | "death">;

/** How much of the kernel's own stderr is kept for the message when it dies, in characters. */
const TAIL = 4_000;

/** A kernel's process with its connection file; both end together, also when our own process ends first. */
export class KernelProcess {
  readonly #child: ChildProcess;
  readonly #file: string;
  #tail = "";
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
  #gone = false;

  constructor(connection: ConnectionInfo, { argv, cwd, env }: ProcessOptions) {
    mkdirSync(cachePath("kernels"), { recursive: true });
    this.#file = join(cachePath("kernels"), `kernel-${process.pid}-${connection.key.slice(0, 12)}.json`);
    // The file holds the key to run anything as this user.
    writeFileSync(this.#file, JSON.stringify(connection), { mode: 0o600 });
    const [program, ...args] = argv.map((word) => word.replace("{connection_file}", this.#file));
    this.#child = spawn(program!, args, {
      cwd,
      env: { ...process.env, ...env, JPY_PARENT_PID: String(process.pid) },
      stdio: ["ignore", "pipe", "pipe"],
      // A process group of its own: Ctrl-C in our terminal is for us, and what the kernel started can be killed with it.
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#tail = (this.#tail + text).slice(-TAIL);
      });
    }
    const killAtExit = (): void => this.kill();
    process.once("exit", killAtExit);
    this.ended = new Promise((resolve) => {
      const end = (error?: unknown): void => {
        if (error instanceof Error) this.#tail += error.message;
        this.#gone = true;
        process.off("exit", killAtExit);
        rmSync(this.#file, { force: true });
        resolve();
      };
      this.#child.once("exit", end).once("error", end);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The end of what it wrote to its stdout and stderr. */
  get lastWords(): string {
    return this.#tail.trim();
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** SIGKILL for the kernel and its process group. */
  kill(): void {
    if (this.#gone || this.#child.pid === undefined) return;
    try {
      if (process.platform === "win32") this.#child.kill("SIGKILL");
      else process.kill(-this.#child.pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  /** What to say when it ended unasked. */
  death(): LabError {
    return kernelDeath(this.#child.exitCode, this.#child.signalCode, this.lastWords);
  }
}

/** What to say of a kernel that ended unasked. */
export function kernelDeath(code: number | null, signal: string | null, lastWords: string): LabError {
  const how = signal ? `was ended by ${signal}` : `ended with code ${code}`;
  return new LabError(
    "SETUP_FAILED",
    `the kernel's process ${how}${lastWords ? `. Its last words:\n${lastWords}` : ""}`,
    "run the notebook again; if it ends again, the words above tell why (memory? a native module?)",
  );
}
