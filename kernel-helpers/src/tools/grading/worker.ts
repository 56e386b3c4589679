/** The process that grades one submission: what goes wrong in it ends with it. Started by `farm`, spoken to by messages. */
import { gradeOne, type OneSubmission } from "./grade-one";

// Node would open its debugger to whoever sends this signal; a learner's kernel may be a process of the same user.
process.on("SIGUSR1", () => undefined);
// Ctrl-C in a terminal reaches every process: whoever grades decides, and half a mark must not come of it.
process.on("SIGINT", () => undefined);
// However that one ended: nobody waits for this mark. What a kernel needs to end is told to outlive this process.
process.once("disconnect", () => process.exit(1));

process.once("message", (one: OneSubmission) => {
  gradeOne(one).then(
    (graded) => answer({ graded: { ...graded, outcomes: [...graded.outcomes] } }),
    (error: unknown) => answer({ failed: String(error) }),
  );
});

function answer(message: unknown): void {
  process.send?.(message, () => process.exit(0));
}
