/**
 * Calls and notes over a byte stream, both ways. The other side may be hostile: every message's shape is checked, what is
 * under way at once is limited, and the first breach ends the connection. Page-safe: the stream is any with these methods.
 */
import { LabError, type LabErrorCode } from "../core/errors";
import type { Encoded } from "./exchange";
import { FrameReader, frame } from "./frames";

/** What a peer needs of a socket. */
export interface Wire {
  write(bytes: Uint8Array): unknown;
  destroy(): unknown;
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  on(event: "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}

export type Handler = (args: Encoded) => Promise<Encoded | undefined> | Encoded | undefined;

export interface PeerOptions {
  /** Answers of calls by name; an unknown name is refused. */
  calls?: Readonly<Record<string, Handler>>;
  notes?: Readonly<Record<string, (args: Encoded) => void>>;
  /** Calls of the other side under way at once; more end the connection. Default 64. */
  atOnce?: number;
}

interface Failure {
  code: string;
  message: string;
  hint: string;
}

interface Waiting {
  resolve: (value: Encoded | undefined) => void;
  reject: (error: Error) => void;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class Peer {
  readonly #wire: Wire;
  readonly #options: PeerOptions;
  readonly #reader = new FrameReader();
  readonly #waiting = new Map<number, Waiting>();
  readonly #onClose = new Set<(reason: string) => void>();
  #next = 1;
  #serving = 0;
  #ended: string | undefined;

  constructor(wire: Wire, options: PeerOptions = {}) {
    this.#wire = wire;
    this.#options = options;
    wire.on("data", (chunk) => this.#read(chunk));
    wire.on("error", (error) => this.close(error.message));
    wire.on("close", () => this.close("the other side ended the connection"));
  }

  /** Why the connection ended; undefined while it stands. */
  get ended(): string | undefined {
    return this.#ended;
  }

  onClose(listener: (reason: string) => void): void {
    if (this.#ended === undefined) this.#onClose.add(listener);
    else listener(this.#ended);
  }

  /**
   * @param timeout milliseconds; none when left out.
   * @throws LabError of the other side; Error when the connection ends or the time is up.
   */
  call(name: string, args: Encoded, timeout?: number): Promise<Encoded | undefined> {
    if (this.#ended !== undefined) return Promise.reject(new Error(this.#ended));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const late = () => {
        this.#waiting.delete(id);
        reject(new Error(`no answer within ${(timeout ?? 0) / 1000} s`));
      };
      const timer = timeout === undefined ? undefined : setTimeout(late, timeout);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#send({ call: name, id, args });
    });
  }

  note(name: string, args: Encoded): void {
    this.#send({ note: name, args });
  }

  close(reason = "closed"): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#wire.destroy();
    for (const waiting of this.#waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(new Error(reason));
    }
    this.#waiting.clear();
    for (const listener of this.#onClose) listener(reason);
  }

  #send(message: unknown): void {
    if (this.#ended !== undefined) return;
    let bytes: Uint8Array;
    try {
      bytes = frame(message);
    } catch (error) {
      this.close((error as Error).message);
      return;
    }
    this.#wire.write(bytes);
  }

  #read(chunk: Uint8Array): void {
    if (this.#ended !== undefined) return;
    try {
      for (const message of this.#reader.push(chunk)) this.#dispatch(message);
    } catch (error) {
      this.close(`a message that no one may send: ${(error as Error).message}`);
    }
  }

  #dispatch(message: unknown): void {
    if (typeof message !== "object" || message === null) throw new TypeError("not an object");
    const { call, note, done, id, args, failed } = message as Record<string, unknown>;
    if (typeof note === "string") this.#noted(note, args as Encoded);
    else if (typeof id !== "number" || !Number.isSafeInteger(id)) throw new TypeError("no number");
    else if (typeof call === "string") void this.#serve(id, call, args as Encoded);
    else if (done === true) this.#settle(id, args as Encoded, failed);
    else throw new TypeError("neither call, answer nor note");
  }

  #noted(name: string, args: Encoded): void {
    const notes = this.#options.notes ?? {};
    if (Object.hasOwn(notes, name)) notes[name]!(args);
  }

  async #serve(id: number, name: string, args: Encoded): Promise<void> {
    if (this.#serving >= (this.#options.atOnce ?? 64)) {
      this.close("too many calls at once");
      return;
    }
    this.#serving++;
    try {
      const calls = this.#options.calls ?? {};
      if (!Object.hasOwn(calls, name)) throw new Error(`there is no call "${name.slice(0, 40)}"`);
      this.#send({ done: true, id, args: await calls[name]!(args) });
    } catch (error) {
      this.#send({ done: true, id, failed: failure(error) });
    } finally {
      this.#serving--;
    }
  }

  #settle(id: number, value: Encoded | undefined, failed: unknown): void {
    const waiting = this.#waiting.get(id);
    // An answer that came after its time, or that nobody asked for.
    if (!waiting) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (failed === undefined) waiting.resolve(value);
    else waiting.reject(revive(failed));
  }
}

function failure(error: unknown): Failure {
  const { code, message, hint } = Object(error) as { code?: unknown; message?: unknown; hint?: unknown };
  const text = (one: unknown) => (typeof one === "string" ? one.slice(0, 10_000) : "");
  return { code: text(code), message: text(message) || "an error without a message", hint: text(hint) };
}

function revive(failed: unknown): Error {
  const { code, message, hint } = failure(failed);
  return hint ? new LabError(code as LabErrorCode, message, hint) : new Error(message);
}
