import { complain } from "./log";

/** How long all cleanup functions together may take, in ms. */
const CLEANUP_LIMIT = 2_000;

type Cleanup = () => void | Promise<void>;

/** An attempt of a cell to end the kernel's process. */
class ProcessExit extends Error {
  override readonly name = "ProcessExit";
  readonly code = "PROCESS_EXIT";
  readonly hint = "return from a function or throw an Error to stop a cell; the Kernel menu restarts the kernel";
}

/** The kernel's end: what has to be cleaned up, and the ways that lead to it. */
export class Lifecycle {
  readonly #cleanups = new Set<Cleanup>();
  readonly #closeWire: () => Promise<void>;
  readonly #exit = process.exit.bind(process);
  #leaving = false;

  constructor(closeWire: () => Promise<void>) {
    this.#closeWire = closeWire;
    for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => void this.leave());
    // A cell's mistake must not take the state and the brokers of all other cells with it.
    process.exit = (code) => {
      throw new ProcessExit(`process.exit(${code ?? ""}) would end the kernel and everything that it runs`);
    };
  }

  onExit(cleanup: Cleanup): () => void {
    this.#cleanups.add(cleanup);
    return () => this.#cleanups.delete(cleanup);
  }

  /** Runs the cleanup, newest first and all at once, then ends the process whatever is still open. */
  async leave(): Promise<void> {
    if (this.#leaving) return;
    this.#leaving = true;
    const limit = new Promise((resolve) => setTimeout(resolve, CLEANUP_LIMIT));
    const all = [...this.#cleanups].reverse().map(async (cleanup) => {
      try {
        await cleanup();
      } catch (error) {
        complain("a cleanup failed", error);
      }
    });
    await Promise.race([Promise.all(all), limit]);
    await Promise.race([this.#closeWire(), new Promise((resolve) => setTimeout(resolve, 500))]);
    this.#exit(0);
  }
}
