/** Whether a process that has graded a submission may grade another: it has to be as if it had not. */
import { until } from "../../core/until";
import { MIB } from "./limits";
import type { GradeStatus, Reported } from "./result";

/** Bytes that a worker may hold between two submissions. */
const MEMORY = 700 * MIB;
/** How long what is closed may take to be gone, in milliseconds. */
const PATIENCE = 2_000;
/** Of marks that came about as they should; with any other something broke, hung or ended. */
const CALM: readonly GradeStatus[] = ["passed", "failed"];

/** What a submission could leave behind in a process. */
interface State {
  /** What keeps the process alive, by kind: sockets, servers, timers, children, workers. */
  readonly resources: Readonly<Record<string, number>>;
  /** Listeners of the process's own events, by name. */
  readonly listeners: Readonly<Record<string, number>>;
  readonly surroundings: string;
}

export class Fitness {
  readonly #before = stateNow();

  /** Also false where it would take longer than `patience` (milliseconds) to be so. */
  async asBefore(graded: Pick<Reported, "checks" | "kernels">, patience = PATIENCE): Promise<boolean> {
    if ((graded.kernels ?? 0) > 1 || graded.checks.some(({ status }) => !CALM.includes(status))) return false;
    if (process.memoryUsage().rss > MEMORY) return false;
    const clean = () => sameOrLess(stateNow(), this.#before);
    return until("nothing of a submission is left", clean, { timeout: patience, every: 10 }).then(
      () => true,
      () => false,
    );
  }
}

function stateNow(): State {
  return {
    resources: counted(process.getActiveResourcesInfo()),
    listeners: Object.fromEntries(process.eventNames().map((name) => [String(name), process.listenerCount(name)])),
    surroundings: JSON.stringify([process.cwd(), process.env]),
  };
}

function counted(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function sameOrLess(now: State, before: State): boolean {
  const fewer = (these: Readonly<Record<string, number>>, those: Readonly<Record<string, number>>) =>
    Object.entries(these).every(([name, count]) => count <= (those[name] ?? 0));
  return (
    now.surroundings === before.surroundings &&
    fewer(now.listeners, before.listeners) &&
    fewer(now.resources, before.resources)
  );
}
