import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { complain } from "./log";
import type { Content, Header } from "./protocol";
import { afterTermination } from "./termination";
import { type FromWire, type Request, Shared, type ToWire, UNDERWAY_LIMIT, Verdict, type WireData } from "./wire-types";

/** What the main thread does with what comes in. */
export interface Listener {
  request(request: Request): void;
  /** End what the running cell waits for. */
  /** @param terminated it was told before, and the cell's code has been terminated since. */
  interrupt(terminated: boolean): void;
  /** Run the cleanup and end the process. */
  leave(why: string): void;
}

/** Taken before a cell can replace them. */
const { now } = Date;
const { Promise: SoundPromise } = globalThis;
/** How long the interrupter has to send the termination that it was granted, in ms. */
const SENDING_LIMIT = 10_000;

/** A kernel that nobody can reach (a port was taken, say) must not stay. */
function giveUp(why: unknown): never {
  complain("the sockets failed", why);
  process.kill(process.pid, "SIGKILL");
  throw why;
}

/** The main thread's end of the kernel's sockets. */
export class Wire {
  readonly #worker: Worker;
  readonly #shared: Int32Array;
  readonly #fences = new Map<number, () => void>();
  #lastFence = 0;
  #terminations = 0;
  #listener: Listener | undefined;
  #early: FromWire[] = [];
  #closed: () => void = () => {};

  constructor(data: Omit<WireData, "shared">) {
    const shared = new SharedArrayBuffer(16);
    this.#shared = new Int32Array(shared);
    // Until somebody listens this thread loads the compiler.
    this.hold();
    const workerData: WireData = { ...data, shared };
    this.#worker = new Worker(join(__dirname, "wire-worker.js"), { workerData });
    this.#worker.on("message", (message: FromWire) => this.#receive(message));
    this.#worker.on("error", giveUp);
  }

  /** Requests that came before are handed over now. */
  listen(listener: Listener): void {
    this.#listener = listener;
    for (const message of this.#early.splice(0)) this.#receive(message);
    this.release();
  }

  /** @throws TypeError when the content is no JSON (a circle, a bigint). */
  publish(type: string, parent: Header, content: Content, metadata?: Content): void {
    const json = JSON.stringify(content);
    this.#waitForSpace();
    Atomics.add(this.#shared, Shared.Underway, json.length);
    this.#send({ kind: "publish", type, parent, json, metadata });
  }

  status(state: "busy" | "idle", parent: Header): void {
    this.#send({ kind: "status", state, parent });
  }

  reply(request: Request, content: Content): void {
    const type = request.header.msg_type.replace(/_request$/, "_reply");
    this.#send({ kind: "reply", seq: request.seq, type, json: JSON.stringify(content) });
  }

  /** Resolves when every request that had reached the kernel before this call was handed to the listener. */
  fence(): Promise<void> {
    const number = ++this.#lastFence;
    return new SoundPromise((resolve) => {
      this.#fences.set(number, resolve);
      this.#send({ kind: "fence", number });
    });
  }

  /** Until release() nothing that this thread does may be terminated half-way: the kernel's own bookkeeping. Nests. */
  hold(): void {
    Atomics.add(this.#shared, Shared.Undisturbed, 1);
  }

  release(): void {
    Atomics.sub(this.#shared, Shared.Undisturbed, 1);
  }

  /** Calls what an interrupt may not terminate half-way, such as the compiler. */
  undisturbed<Result>(act: () => Result): Result {
    this.hold();
    try {
      return act();
    } finally {
      this.release();
    }
  }

  /** What the interrupter has this thread ask itself: see BEFORE_TERMINATION. */
  mayBeTerminated(cellsCode: boolean, anyway: boolean): boolean {
    const granted = anyway || (cellsCode && Atomics.load(this.#shared, Shared.Undisturbed) === 0);
    Atomics.store(this.#shared, Shared.Verdict, granted ? Verdict.Granted : Verdict.Refused);
    Atomics.notify(this.#shared, Shared.Verdict);
    // Not Atomics.wait: below this may be a cell's own, and V8 has room for one in a thread.
    const end = now() + SENDING_LIMIT;
    while (granted && now() < end) {
      const verdict = Atomics.load(this.#shared, Shared.Verdict);
      if (verdict !== Verdict.Granted) return verdict === Verdict.Sent;
    }
    return false;
  }

  get terminations(): number {
    return this.#terminations;
  }

  /** Sends what is queued and closes the sockets. */
  async close(): Promise<void> {
    await new SoundPromise<void>((resolve) => {
      this.#closed = resolve;
      this.#send({ kind: "close" });
    });
  }

  /** Holds a cell that prints without end to the pace of the sockets: else its output would fill the memory. */
  #waitForSpace(): void {
    for (;;) {
      const underway = Atomics.load(this.#shared, Shared.Underway);
      if (underway < UNDERWAY_LIMIT) return;
      Atomics.wait(this.#shared, Shared.Underway, underway, 100);
    }
  }

  #send(message: ToWire): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromWire): void {
    this.undisturbed(() => this.#take(message));
  }

  #take(message: FromWire): void {
    switch (message.kind) {
      case "fence":
        this.#fences.get(message.number)?.();
        this.#fences.delete(message.number);
        break;
      case "failed":
        giveUp(message.why);
        break;
      case "closed":
        this.#closed();
        break;
      default:
        if (this.#listener) this.#dispatch(message, this.#listener);
        else this.#early.push(message);
    }
  }

  #dispatch(message: FromWire, listener: Listener): void {
    if (message.kind === "request") listener.request(message.request);
    else if (message.kind === "leave") listener.leave(message.why);
    else if (message.kind === "interrupt") {
      if (message.terminated) {
        // What was terminated in spite of a hold has not released it; this message's own is left.
        Atomics.store(this.#shared, Shared.Undisturbed, 1);
        afterTermination();
        this.#terminations++;
      }
      Atomics.store(this.#shared, Shared.Acknowledged, message.number);
      listener.interrupt(message.terminated);
    }
  }
}
