import { fork } from "node:child_process";
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

/** A lab of this course that the file says it is of; "" else. */
function labOfFile(file: string): string {
  try {
    const lab = labOf(readSubmission(file)) ?? "";
    return readPristine(lab) ? lab : "";
  } catch {
    return "";
  }
}

/**
 * Grades one submission in a process of its own, which is ended when it takes too long.
 * @throws LabError when the machine cannot grade at all (no engine).
 */
export function gradeApart(one: OneSubmission): Promise<Reported> {
  return new Promise((resolve, reject) => {
    const child = fork(join(__dirname, "worker.js"), { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    let said = "";
    let answered = false;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4_000);
    });
    const limit = (one.limits?.submission ?? DEFAULT_LIMITS.submission) + GRACE;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, limit);
    child.once("message", (message: { graded?: Reported & { outcomes: unknown }; failed?: string }) => {
      answered = true;
      const { graded, failed } = message;
      if (graded) resolve({ ...graded, outcomes: new Map(graded.outcomes as unknown as [string, Outcome][]) });
      else reject(new LabError("SETUP_FAILED", failed ?? "no answer", "npm run doctor"));
    });
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      if (answered) return;
      const how = late ? `took longer than ${limit / 1000} s` : `ended with ${signal ?? `code ${code}`}`;
      const why = `grading ${how}${said ? `: ${said.trim().split("\n").at(-1)}` : ""}`;
      resolve(notGraded(one, labOfFile(one.file), why, late ? "timeout" : "error"));
    });
    child.send(one);
  });
}
