import { AsyncLocalStorage } from "node:async_hooks";
import { inspect } from "node:util";
import { MessageChannel } from "node:worker_threads";
import { History } from "./history";
import type { Rescue } from "./hook";
import { complete, inspectAt, isComplete } from "./language";
import { complain } from "./log";
import { OutputStreams, type StreamName } from "./output";
import { type Content, type Header, LATE_ERROR } from "./protocol";
import { metadataOf, mimeBundle } from "./rich";
import { describeDiagnostics, describeThrown, type ErrorContent } from "./traceback";
import type { CellOutcome, Tslab } from "./tslab";
import type { Wire } from "./wire";
import type { Request } from "./wire-types";

/** A cell's run. */
export interface Cell {
  readonly header: Header;
  /** The execution count that it runs under. */
  readonly count: number;
  readonly label: string;
  readonly url: string;
  readonly silent: boolean;
}

/** What a cell's clients are told at its end, besides its output. */
interface Ended {
  readonly error?: ErrorContent;
  readonly result?: Content;
}

class Interrupted extends Error {
  override readonly name = "KeyboardInterrupt";
  constructor() {
    super("Interrupted");
    this.stack = undefined;
  }
}

/** As they were before any cell: what a cell makes of the language must not hang the kernel. No `then` is called here. */
const { Promise: SoundPromise, setImmediate } = globalThis;

const turn = (): Promise<void> => new SoundPromise((resolve) => setImmediate(resolve));

const channel = new MessageChannel();
channel.port1.unref();

/**
 * Resolves in a microtask with no other JavaScript below it. A termination takes down all of the stack that it finds:
 * under setImmediate that would be Node's list of the others that wait for their turn.
 */
const freshStack = (): Promise<void> =>
  new SoundPromise((resolve) => {
    channel.port1.once("message", () => resolve());
    channel.port2.postMessage(null);
  });

/** A cell that waits for its turn. */
interface Entry {
  readonly request: Request;
  /** One before it has failed: it is answered and not run. */
  aborted: boolean;
  /** Somebody stopped the kernel after the cell before it had ended. */
  interrupted: boolean;
}

/** Answers the requests of the shell channel: runs cells one after the other, the rest at once. */
export class Session {
  readonly #wire: Wire;
  readonly #tslab: Tslab;
  readonly #history = new History();
  readonly #output: OutputStreams;
  readonly #origin = new AsyncLocalStorage<Cell>();
  readonly #queue: Entry[] = [];
  #working = false;
  #count = 0;
  #runs = 0;
  #running: Cell | undefined;
  #newest: Cell | undefined;
  #interrupt: (() => void) | undefined;
  readonly #atEnd = new Set<() => void>();
  readonly #rescuers = new Set<Rescue>();

  constructor(wire: Wire, tslab: Tslab) {
    this.#wire = wire;
    this.#tslab = tslab;
    this.#output = new OutputStreams((parent, content) => wire.publish("stream", parent, { ...content }));
  }

  request(request: Request): void {
    if (request.header.msg_type === "execute_request") {
      this.#queue.push({ request, aborted: false, interrupted: false });
      void this.#work();
      return;
    }
    const answer = this.#answer(request);
    this.#wire.status("busy", request.header);
    if (answer) this.#wire.reply(request, answer);
    this.#wire.status("idle", request.header);
  }

  /**
   * Ends the running cell with KeyboardInterrupt; what it started may go on, the next cell can run. Between two cells it
   * ends the one that would run next: of a short cell, which is mostly compiled, an interrupt is told when it is over.
   * @param terminated the interrupt was told before, and the cell's code has been terminated since.
   */
  interrupt(terminated = false): void {
    const next = this.#queue.find(({ aborted }) => !aborted);
    if (this.#interrupt) this.#interrupt();
    else if (next && !terminated) next.interrupted = true;
  }

  /** Texts of the cells that ran, the running one included. */
  get ranCells(): readonly string[] {
    return this.#history.texts;
  }

  /** The cell that the code which calls this belongs to: also from a timer that the cell left behind. */
  get origin(): Cell | undefined {
    return this.#origin.getStore() ?? this.#newest;
  }

  /** Where output belongs: the running cell, whose clients listen for sure; else the cell that the code came from. */
  get target(): Cell | undefined {
    return this.#running ?? this.origin;
  }

  /** Calls `run` when the caller's cell ends; undefined when that is not the cell that runs. */
  onCellEnd(run: () => void): (() => void) | undefined {
    if (!this.#running || this.#origin.getStore() !== this.#running) return undefined;
    this.#atEnd.add(run);
    return () => this.#atEnd.delete(run);
  }

  /** Asks `rescue` about each cell that does not compile. */
  onUncompiled(rescue: Rescue): () => void {
    this.#rescuers.add(rescue);
    return () => this.#rescuers.delete(rescue);
  }

  /** @returns whether there was a cell to write to. */
  write(name: StreamName, text: string): boolean {
    const target = this.target;
    if (!target) return false;
    this.#output.write(target.header, name, text);
    return true;
  }

  publish(type: string, content: Content): void {
    const target = this.target;
    if (!target) return;
    this.#output.flush();
    this.#wire.publish(type, target.header, content);
  }

  /** An error that no cell's code caught: shown in red, in the cell it came from or the running one. */
  late(what: string, error: unknown): void {
    const origin = this.origin;
    const target = this.target;
    if (!origin || !target) {
      complain(what, error);
      return;
    }
    const { ename, evalue, traceback } = describeThrown(error, this.#tslab.scripts, origin.label);
    const text = `${what} in ${origin.label}:\n${traceback.join("\n")}\n`;
    this.#output.flush();
    // A stream, for an `error` message belongs to cells that failed; the metadata is for programs that run notebooks.
    this.#wire.publish("stream", target.header, { name: "stderr", text }, { [LATE_ERROR]: { ename, evalue } });
  }

  #answer({ header, content }: Request): Content | undefined {
    switch (header.msg_type) {
      case "complete_request":
        return complete(this.#tslab, content);
      case "inspect_request":
        return inspectAt(this.#tslab, content);
      case "is_complete_request":
        return isComplete(this.#tslab.ts, content);
      case "history_request":
        return this.#history.answer(content);
      default:
        return undefined;
    }
  }

  /** All of it is held against terminations except where cells' code may run: one that hit it would end all work. */
  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    this.#wire.hold();
    for (let entry = this.#queue.shift(); entry; entry = this.#queue.shift()) {
      const { request, aborted, interrupted } = entry;
      this.#wire.status("busy", request.header);
      if (aborted) this.#wire.reply(request, { status: "aborted" });
      else await this.#execute(request, interrupted);
      this.#wire.status("idle", request.header);
    }
    this.#working = false;
    this.#wire.release();
  }

  /** Waits while cells' code may run. */
  async #openly<Result>(wait: Promise<Result>): Promise<Result> {
    this.#wire.release();
    try {
      return await wait;
    } finally {
      this.#wire.hold();
    }
  }

  async #execute(request: Request, interrupted: boolean): Promise<void> {
    const { header, content } = request;
    const code = String(content.code ?? "");
    const silent = content.silent === true;
    const stored = !silent && content.store_history !== false;
    const count = this.#count + 1;
    if (stored) {
      this.#count = count;
      this.#history.add(count, code);
    }
    const cell: Cell = { header, count, silent, label: `cell [${count}]`, url: `cell-${++this.#runs}.ts` };
    this.#running = cell;
    this.#newest = cell;
    if (!silent) this.#wire.publish("execute_input", header, { code, execution_count: count });
    this.#wire.release();
    // It holds again at its end, before anything else can run.
    const { error, result } = await this.#run(cell, code, interrupted);
    this.#endOf(cell);
    this.#output.flush();
    if (error) this.#wire.publish("error", header, error);
    else if (result)
      this.#wire.publish("execute_result", header, {
        execution_count: count,
        data: result,
        metadata: metadataOf(result),
      });
    // Rejections of this very moment are told now, while the cell's clients still listen.
    await this.#openly(turn());
    await this.#openly(turn());
    this.#output.flush();
    this.#running = undefined;
    if (!error) {
      const expressions = this.#evaluate(content.user_expressions);
      this.#wire.reply(request, { status: "ok", execution_count: count, payload: [], user_expressions: expressions });
      return;
    }
    if (content.stop_on_error !== false) {
      // Abort what had been sent by now, and nothing that comes after the reply.
      await this.#openly(this.#wire.fence());
      for (const entry of this.#queue) entry.aborted = true;
    }
    this.#wire.reply(request, { status: "error", execution_count: count, ...error });
  }

  #endOf(cell: Cell): void {
    const all = [...this.#atEnd];
    this.#atEnd.clear();
    for (const run of all) {
      try {
        this.#origin.run(cell, run);
      } catch (error) {
        this.late("Uncaught error", error);
      }
    }
  }

  /**
   * Runs a cell to what it shows. Everything of the cell's own code happens in here, where an interrupt reaches it.
   * @param interrupted before it began: nothing of it runs.
   */
  #run(cell: Cell, code: string, interrupted: boolean): Promise<Ended> {
    return new SoundPromise((resolve) => {
      const end = (ended: Ended): void => {
        // An interrupted cell's code may end later.
        if (this.#interrupt !== interrupt) return;
        this.#wire.hold();
        this.#interrupt = undefined;
        resolve(ended);
      };
      const fail = (error: unknown): void => end({ error: describeThrown(error, this.#tslab.scripts, cell.label) });
      const interrupt = (): void => {
        this.#tslab.interrupt();
        fail(new Interrupted());
      };
      this.#interrupt = interrupt;
      const run = async (): Promise<void> => {
        try {
          const { url, label } = cell;
          const outcome = await this.#byValues(code, await this.#tslab.execute({ code, url, label }));
          if (outcome.kind === "thrown") fail(outcome.error);
          else if (outcome.kind === "diagnostics")
            end({ error: describeDiagnostics(outcome.diagnostics, code, label) });
          else if (outcome.kind === "value" && !cell.silent) end({ result: await mimeBundle(outcome.value) });
          else end({});
        } catch (error) {
          fail(error);
        }
      };
      const begin = async (): Promise<void> => {
        await freshStack();
        // An interrupt may have come first: then nothing of the cell may run.
        if (this.#interrupt === interrupt) void this.#origin.run(cell, run);
      };
      if (interrupted) interrupt();
      else void begin();
    });
  }

  /** A cell that does not compile has one more chance: somebody may know what it is for and do that. */
  async #byValues(code: string, outcome: CellOutcome): Promise<CellOutcome> {
    if (outcome.kind !== "diagnostics") return outcome;
    const { ts, locals } = this.#tslab;
    const javaScript = () =>
      ts.transpileModule(code, {
        compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
      }).outputText;
    for (const rescue of this.#rescuers) {
      const run = rescue({ code, javaScript, declared: locals });
      if (run) return { kind: "value", value: await run() };
    }
    return outcome;
  }

  #evaluate(expressions: unknown): Content {
    const results: Content = {};
    for (const [name, source] of Object.entries((expressions ?? {}) as Record<string, string>)) {
      try {
        // The cells' names are properties of one object: `with` makes them names again.
        const value: unknown = new Function("locals", `with (locals) return (${source});`)(this.#tslab.locals);
        results[name] = { status: "ok", data: { "text/plain": inspect(value) }, metadata: {} };
      } catch (error) {
        results[name] = { status: "error", ...describeThrown(error, this.#tslab.scripts, "expression") };
      }
    }
    return results;
  }
}
