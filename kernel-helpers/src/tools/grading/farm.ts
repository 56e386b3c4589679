/** Processes that grade, one submission after the other as long as nothing odd comes up in them. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Outcome } from "../../checks/outcome";
import { LabError } from "../../core/errors";
import { readPristine } from "../../lab/lesson-files";
import { notGraded, type OneSubmission } from "./grade-one";
import { DEFAULT_LIMITS } from "./limits";
import type { Reported } from "./result";
import { labOf, readSubmission } from "./submission";

/** Beyond a submission's own limit, for starting and ending its process, in milliseconds. */
const GRACE = 60_000;
/** How long a worker has to leave, in milliseconds. */
const PATIENCE = 5_000;
/** Submissions after which a process is replaced all the same. */
const MOST = 25;

/** What a worker says of its submission: marks, or why this machine cannot grade. */
export interface WorkerAnswer {
  readonly graded?: Omit<Reported, "outcomes"> & { readonly outcomes: readonly (readonly [string, Outcome])[] };
  readonly failed?: string;
  /** It is as it was before, so it may have another one. */
  readonly fit: boolean;
}

/** A worker that ended, or was ended, before it had an answer. */
interface Ended {
  readonly why: string;
  readonly late: boolean;
}

export class Farm {
  readonly #idle: GradingWorker[] = [];
  readonly #all = new Set<GradingWorker>();

  /** Process ids of the workers that wait for a submission. */
  get idle(): number[] {
    return this.#idle.map((worker) => worker.pid);
  }

  /**
   * Grades one submission, in a process that is ended when it takes too long.
   * @throws LabError when the machine cannot grade at all (no engine).
   */
  async grade(one: OneSubmission): Promise<Reported> {
    for (;;) {
      const worker = this.#take();
      const answer = await worker.grade(one);
      if ("why" in answer) {
        // What an earlier submission has left in a worker costs the present one nothing: it has another try in a new one.
        if (worker.served > 1) continue;
        return notGraded(one, labOfFile(one.file), `grading ${answer.why}`, answer.late ? "timeout" : "error");
      }
      if (answer.fit && worker.served < MOST && worker.alive) this.#idle.push(worker);
      else void worker.end();
      const { graded, failed } = answer;
      if (graded) return { ...graded, outcomes: new Map(graded.outcomes) };
      if (worker.served > 1) continue;
      throw new LabError("SETUP_FAILED", failed ?? "no answer", "npm run doctor");
    }
  }

  /** Ends all workers; resolves when they are gone. */
  async end(): Promise<void> {
    await Promise.all([...this.#all].map((worker) => worker.end()));
  }

  #take(): GradingWorker {
    for (let worker = this.#idle.pop(); worker; worker = this.#idle.pop()) if (worker.alive) return worker;
    const fresh = new GradingWorker();
    this.#all.add(fresh);
    void fresh.gone.then(() => this.#all.delete(fresh));
    return fresh;
  }
}

class GradingWorker {
  readonly #child: ChildProcess;
  readonly gone: Promise<void>;
  #said = "";
  /** Submissions that it had, the present one included. */
  served = 0;

  constructor() {
    this.#child = fork(join(__dirname, "worker.js"), { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#said = (this.#said + text).slice(-4_000);
    });
    this.gone = new Promise((resolve) => {
      this.#child.once("exit", () => resolve()).once("error", () => resolve());
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get alive(): boolean {
    return this.#child.connected && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  grade(one: OneSubmission): Promise<WorkerAnswer | Ended> {
    this.served++;
    this.#said = "";
    const limit = (one.limits?.submission ?? DEFAULT_LIMITS.submission) + GRACE;
    return new Promise((resolve) => {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        this.#child.kill("SIGKILL");
      }, limit);
      const over = (answer: WorkerAnswer | Ended): void => {
        clearTimeout(timer);
        this.#child.off("message", over).off("exit", ended).off("error", broken);
        resolve(answer);
      };
      const ended = (code: number | null, signal: string | null): void => {
        const how = late ? `took longer than ${limit / 1000} s` : `ended with ${signal ?? `code ${code}`}`;
        over({ why: `${how}${this.#said ? `: ${this.#said.trim().split("\n").at(-1)}` : ""}`, late });
      };
      const broken = (error: Error): void => over({ why: `did not start: ${error.message}`, late: false });
      this.#child.on("message", over).on("exit", ended).on("error", broken);
      // One that has just ended says so by its exit.
      this.#child.send(one, () => undefined);
    });
  }

  /** It leaves when nobody speaks to it any more, and takes along what it started. */
  async end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE);
    await this.gone;
    clearTimeout(timer);
  }
}

/** A lab of this course that the file says it is of; "" else. */
function labOfFile(file: string): string {
  try {
    const lab = labOf(readSubmission(file)) ?? "";
    return readPristine(lab) ? lab : "";
  } catch {
    return "";
  }
}
