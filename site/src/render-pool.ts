import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Cache } from "./cache";
import type { LabContent } from "./lab-page";
import { type Job, render } from "./render";

/** A thread of its own loads and warms all parsers again: it is worth that from this many notebooks on. */
const WORTH_A_THREAD = 5;
/** How long a notebook that the other thread has taken may stay away before it is rendered here. */
const PATIENCE_MS = 20_000;

/** What two threads share: which notebook comes next, and for each whether it is in the cache. */
export interface Shared {
  readonly next: Int32Array;
  readonly done: Int32Array;
}

export interface HelperWork {
  readonly jobs: readonly Job[];
  readonly folder: string;
  readonly maker: string;
  readonly shared: Shared;
}

/**
 * Renders into the cache what is not in it, with the help of a second thread where there is much to do. Returns the
 * names of what was rendered; what could not be is left out, and whoever asks the cache for it learns why.
 */
export function renderMissing(
  jobs: readonly Job[],
  cache: Cache<LabContent>,
  progress: (done: number, name: string) => void,
): Set<string> {
  const missing = jobs.filter((job) => !cache.has(job.key));
  const shared = { next: shares(1), done: shares(missing.length) };
  const helps = missing.length >= WORTH_A_THREAD && availableParallelism() > 1;
  if (helps) startHelper({ jobs: missing, folder: cache.folder, maker: cache.maker, shared });
  renderNext(missing, cache, shared, (job, i) => progress(jobs.length - missing.length + i, job.name));
  for (const i of missing.keys()) Atomics.wait(shared.done, i, 0, PATIENCE_MS);
  return new Set(missing.map((job) => job.name));
}

/** Takes one job after the other until none is left. */
export function renderNext(
  jobs: readonly Job[],
  cache: Cache<LabContent>,
  { next, done }: Shared,
  starting: (job: Job, i: number) => void = () => {},
): void {
  for (;;) {
    const i = Atomics.add(next, 0, 1);
    const job = jobs[i];
    if (!job) return;
    starting(job, i);
    try {
      cache.put(job.key, render(job, cache));
    } catch {
      // Told where the notebook's page is made, which tries it again.
    }
    Atomics.store(done, i, 1);
    Atomics.notify(done, i);
  }
}

const shares = (length: number): Int32Array => new Int32Array(new SharedArrayBuffer(length * 4));

function startHelper(workerData: HelperWork): void {
  // Loaded only where there is much to do.
  const { Worker } = require("node:worker_threads") as typeof import("node:worker_threads");
  const helper = new Worker(join(__dirname, "render-helper.js"), { workerData });
  // Without it everything is rendered here, only later.
  helper.on("error", () => {});
  helper.unref();
}
