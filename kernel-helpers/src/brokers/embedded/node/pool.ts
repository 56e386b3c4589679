/**
 * The workers that run brokers. Each broker has a worker of its own, so that none waits for another; from the ninth on
 * they share. Idle workers are kept: starting one costs more than starting a broker.
 */
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { BrokerEnd } from "../core/broker";
import type { FromWorker, OutputLine, ToWorker } from "./messages";

const OWN_WORKERS = 8;
/** One for the next broker, and one that a broker which is started again comes back to. */
const KEPT_IDLE = 2;
/** Milliseconds for a worker to carry out a kill; a program that computes without end never gets to it. */
const KILL_PATIENCE = 2_000;

/** What the engine hears of one broker's run. */
export interface RunEvents {
  lines(lines: readonly OutputLine[]): void;
  started(): void;
  refused(message: Extract<FromWorker, { event: "refused" }>): void;
  ended(end: BrokerEnd): void;
}

type Waiter = { readonly event: FromWorker["event"]; readonly resolve: (message: FromWorker) => void };

/** One run of one broker, from its start to its end. */
export class Run {
  #over = false;
  readonly #waiters: Waiter[] = [];

  constructor(
    readonly id: number,
    readonly host: Host,
    readonly events: RunEvents,
  ) {}

  get over(): boolean {
    return this.#over;
  }

  send(message: ToWorker): void {
    if (!this.#over) this.host.post(message);
  }

  /** Sends a question and waits for its answer; null when the run ended first. */
  ask(message: ToWorker, event: FromWorker["event"]): Promise<FromWorker | null> {
    if (this.#over) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#waiters.push({ event, resolve });
      this.send(message);
    });
  }

  kill(): void {
    if (this.#over) return;
    this.send({ op: "kill", id: this.id });
    const timer = setTimeout(() => this.host.giveUp(), KILL_PATIENCE);
    this.#waiters.push({ event: "ended", resolve: () => clearTimeout(timer) });
  }

  hear(message: FromWorker): void {
    if (this.#over || message.event === "ready") return;
    if (message.event === "ended" || message.event === "refused") {
      this.#over = true;
      this.host.leave(this);
    }
    if (message.event === "lines") this.events.lines(message.lines);
    else if (message.event === "started") this.events.started();
    else if (message.event === "refused") this.events.refused(message);
    else if (message.event === "ended") this.events.ended(message.end);
    this.#wake(message);
  }

  #wake(message: FromWorker): void {
    for (const waiter of this.#waiters.splice(0)) {
      if (this.#over || waiter.event === message.event) waiter.resolve(message);
      else this.#waiters.push(waiter);
    }
  }
}

/** A worker and the runs in it. */
class Host {
  readonly runs = new Map<number, Run>();
  readonly #worker: Worker;
  readonly #pool: WorkerPool;
  #gone = false;

  constructor(pool: WorkerPool) {
    this.#pool = pool;
    // The kernel's own flags (--inspect and the like) are not for workers.
    this.#worker = new Worker(join(__dirname, "worker.js"), { execArgv: [], name: "brokers" });
    this.#worker.on("message", (message: FromWorker) => {
      if (message.event !== "ready") this.runs.get(message.id)?.hear(message);
    });
    this.#worker.on("error", (error) => this.#ended("SIGABRT", `the broker's worker failed: ${error.message}`));
    this.#worker.on("exit", () => this.#ended("SIGKILL"));
    this.#worker.unref();
  }

  post(message: ToWorker): void {
    if (!this.#gone) this.#worker.postMessage(message);
  }

  enter(run: Run): void {
    this.runs.set(run.id, run);
    // A running broker keeps the process alive, as a child process would; an idle worker doesn't.
    this.#worker.ref();
  }

  leave(run: Run): void {
    this.runs.delete(run.id);
    if (this.runs.size) return;
    this.#worker.unref();
    if (!this.#gone) this.#pool.idle(this);
  }

  /** Ends the worker with all that runs in it. */
  giveUp(): void {
    void this.close();
    this.#ended("SIGKILL");
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #ended(signal: NonNullable<BrokerEnd["signal"]>, line?: string): void {
    this.#gone = true;
    this.#pool.forget(this);
    for (const run of [...this.runs.values()]) {
      if (line) run.hear({ event: "lines", id: run.id, lines: [[2, line]] });
      run.hear({ event: "ended", id: run.id, end: { code: null, signal } });
    }
  }
}

export class WorkerPool {
  readonly #hosts = new Set<Host>();
  #lastId = 0;

  /** @param ownWorkers how many brokers have a worker each before they share. */
  constructor(readonly ownWorkers = OWN_WORKERS) {}

  /** Begins a run: its events follow. */
  run(message: Omit<Extract<ToWorker, { op: "start" }>, "op" | "id">, events: RunEvents): Run {
    const host = this.#pick();
    const run = new Run(++this.#lastId, host, events);
    host.enter(run);
    run.send({ op: "start", id: run.id, ...message });
    return run;
  }

  /** Has an idle worker ready for the next broker. */
  warm(): void {
    const busy = [...this.#hosts].filter((host) => host.runs.size).length;
    if (busy < this.ownWorkers && busy === this.#hosts.size) this.#hosts.add(new Host(this));
  }

  /** @internal A worker has nothing to do. */
  idle(host: Host): void {
    if ([...this.#hosts].filter((one) => !one.runs.size).length <= KEPT_IDLE) return;
    this.#hosts.delete(host);
    void host.close();
  }

  /** @internal */
  forget(host: Host): void {
    this.#hosts.delete(host);
  }

  #pick(): Host {
    const hosts = [...this.#hosts].sort((a, b) => a.runs.size - b.runs.size);
    const least = hosts[0];
    if (least && (!least.runs.size || hosts.length >= this.ownWorkers)) return least;
    const fresh = new Host(this);
    this.#hosts.add(fresh);
    return fresh;
  }
}
