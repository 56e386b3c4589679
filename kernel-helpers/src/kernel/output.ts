import { StringDecoder } from "node:string_decoder";
import type { Header } from "./protocol";

export type StreamName = "stdout" | "stderr";

/** Above this many characters, or this many ms after the last message, text is sent without waiting for the tick's end. */
const CHUNK = 64 * 1024;
const LIVE = 50;

/**
 * Joins what cells write into few messages, in order: all writes of one tick to one stream of one cell are one message.
 * A cell that never yields still shows its output, for the sockets live on another thread.
 */
export class OutputStreams {
  readonly #publish: (parent: Header, content: { name: StreamName; text: string }) => void;
  #pending: { name: StreamName; parent: Header; parts: string[] } | undefined;
  #size = 0;
  #flushed = 0;
  #scheduled: NodeJS.Immediate | undefined;

  constructor(publish: (parent: Header, content: { name: StreamName; text: string }) => void) {
    this.#publish = publish;
  }

  write(parent: Header, name: StreamName, text: string): void {
    if (text === "") return;
    if (this.#pending?.name !== name || this.#pending.parent !== parent) {
      this.flush();
      this.#pending = { name, parent, parts: [] };
    }
    this.#pending.parts.push(text);
    this.#size += text.length;
    if (this.#size >= CHUNK || performance.now() - this.#flushed > LIVE) this.flush();
    else this.#scheduled ??= setImmediate(() => this.flush());
  }

  /** Sends what is pending; call before any other message of a cell, so that order is kept. */
  flush(): void {
    if (this.#scheduled) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const pending = this.#pending;
    if (!pending) return;
    this.#pending = undefined;
    this.#size = 0;
    this.#flushed = performance.now();
    this.#publish(pending.parent, { name: pending.name, text: pending.parts.join("") });
  }
}

/** Makes a process stream's writes call `write` with text. */
export function captureStream(stream: NodeJS.WriteStream, write: (text: string) => void): void {
  const decoder = new StringDecoder("utf8");
  type Done = (error?: Error | null) => void;
  stream.write = (chunk: string | Uint8Array, encoding?: BufferEncoding | Done, done?: Done): boolean => {
    const callback = typeof encoding === "function" ? encoding : done;
    const plain = typeof encoding !== "string" || encoding === "utf8" || (encoding as string) === "utf-8";
    if (typeof chunk === "string" && plain) write(chunk);
    else
      write(
        decoder.write(typeof chunk === "string" ? Buffer.from(chunk, encoding as BufferEncoding) : Buffer.from(chunk)),
      );
    if (callback && !isConsoles(callback)) process.nextTick(callback);
    return true;
  };
}

/**
 * console passes a handler for errors of the stream with each line. There are none here, and a million calls that wait
 * for the end of a loop of prints would fill the memory.
 */
function isConsoles(callback: unknown): boolean {
  const { _stdoutErrorHandler, _stderrErrorHandler } = console as unknown as Record<string, unknown>;
  return callback === _stdoutErrorHandler || callback === _stderrErrorHandler;
}
