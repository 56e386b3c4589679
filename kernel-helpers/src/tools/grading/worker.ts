/** A process that grades: what goes wrong in it ends with it. Started by `farm`, spoken to by messages. */
import type { WorkerAnswer } from "./farm";
import { Fitness } from "./fitness";
import { gradeOne, type OneSubmission } from "./grade-one";

// Node would open its debugger to whoever sends this signal; a learner's kernel may be a process of the same user.
process.on("SIGUSR1", () => undefined);
// Ctrl-C in a terminal reaches every process: whoever grades decides, and half a mark must not come of it.
process.on("SIGINT", () => undefined);
// However that one ended: nobody waits for this mark. What a kernel needs to end is told to outlive this process.
process.once("disconnect", () => process.exit(1));

process.on("message", (one: OneSubmission) => void grade(one));
const fitness = new Fitness();

async function grade(one: OneSubmission): Promise<void> {
  try {
    const graded = await gradeOne(one);
    const fit = await fitness.asBefore(graded);
    answer({ graded: { ...graded, outcomes: [...graded.outcomes] }, fit });
  } catch (error) {
    answer({ failed: String(error), fit: false });
  }
}

function answer(message: WorkerAnswer): void {
  process.send?.(message, () => undefined);
}
