/** Runs the tasks, so many at a time, and gives their answers in the tasks' order. The first failure ends the run. */
export async function pool<Task, Answer>(
  tasks: readonly Task[],
  atOnce: number,
  run: (task: Task, index: number) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = new Array(tasks.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < tasks.length) {
      const index = next++;
      answers[index] = await run(tasks[index] as Task, index);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(atOnce, tasks.length)) }, worker));
  return answers;
}
