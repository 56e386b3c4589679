/** Waits until a broker is as ready as its plan asks for, or says why it won't be. */
import type { LogBook } from "../core/log-book";
import type { Exit } from "./engine";
import { exitedError, notReadyError } from "./failure";
import type { BrokerPlan } from "./plan";

/** One question for each listener: resolves when it answers, rejects when the signal is aborted. */
export type Question = { readonly port: number; readonly ask: (signal: AbortSignal) => Promise<void> };

/**
 * @param exited the end of the broker's program.
 * @param after log lines up to this number belong to earlier runs.
 * @throws LabError BROKER_EXITED, BAD_CONFIG, PORT_TAKEN or BROKER_NOT_READY.
 */
export async function untilReady(
  plan: BrokerPlan,
  questions: readonly Question[],
  exited: Promise<Exit>,
  log: LogBook,
  after: number,
): Promise<void> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), plan.timeout);
  const silent = new Set(questions.map((question) => question.port));
  const asked = log.probing();
  try {
    const all = Promise.all(
      questions.map(async ({ port, ask }) => {
        await ask(abort.signal);
        silent.delete(port);
      }),
    );
    const ended = exited.then((exit) => ({ exit }));
    const first = await Promise.race([all.then(() => null), ended]).catch((error) => {
      if (abort.signal.aborted) return null;
      throw error;
    });
    if (first) throw exitedError(plan, first.exit, log, after);
    if (silent.size) throw notReadyError(plan, [...silent], log);
  } finally {
    clearTimeout(timer);
    abort.abort();
    asked(questions.map(({ port }) => port).filter((port) => !silent.has(port)));
  }
}
