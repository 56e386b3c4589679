import { LabError } from "./errors";

/** A line of a broker's log. */
export interface LogLine {
  /** From 1, over all restarts of the broker. */
  readonly number: number;
  /** Milliseconds since the epoch, when this process read the line. */
  readonly at: number;
  readonly text: string;
}

/** An append-only log that can be read back, awaited and followed. */
export class LogBook implements AsyncIterable<LogLine> {
  readonly lines: LogLine[] = [];
  #wake = new Set<() => void>();
  #ended = false;

  append(text: string): void {
    this.lines.push({ number: this.lines.length + 1, at: Date.now(), text });
    this.#notify();
  }

  /** No more lines will come (the broker was removed): iterators end, waits fail at once. */
  end(): void {
    this.#ended = true;
    this.#notify();
  }

  /** The last lines as text, for messages. */
  tail(count = 10): string {
    return this.lines
      .slice(-count)
      .map((line) => line.text)
      .join("\n");
  }

  toString(): string {
    return this.lines.map((line) => line.text).join("\n");
  }

  /**
   * The first line, of those read or still to come, that matches.
   * @param options.after only lines with a greater number. @param options.timeout milliseconds, default 5,000.
   * @throws LabError TIMEOUT with the log's last lines.
   */
  async until(
    match: string | RegExp | ((text: string) => boolean),
    options: { timeout?: number; after?: number } = {},
  ): Promise<LogLine> {
    const fits =
      typeof match === "function"
        ? match
        : (text: string) => (typeof match === "string" ? text.includes(match) : match.test(text));
    const timeout = options.timeout ?? 5_000;
    const deadline = Date.now() + timeout;
    let next = options.after ?? 0;
    for (;;) {
      for (; next < this.lines.length; next++) if (fits(this.lines[next]!.text)) return this.lines[next]!;
      const left = deadline - Date.now();
      if (this.#ended || left <= 0) {
        throw new LabError(
          "TIMEOUT",
          `no log line matched ${String(match)} ${this.#ended ? "before the log ended" : `within ${timeout} ms`}.\nThe log's last lines:\n${this.tail()}`,
          "look for the line's wording in the log above; wordings differ between Mosquitto's versions",
        );
      }
      await this.#change(left);
    }
  }

  /** Lines as they come, from the first one; ends when the broker is removed. */
  async *[Symbol.asyncIterator](): AsyncIterator<LogLine> {
    for (let next = 0; ; ) {
      for (; next < this.lines.length; next++) yield this.lines[next]!;
      if (this.#ended) return;
      await this.#change(60_000);
    }
  }

  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wake.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      timer.unref();
      this.#wake.add(wake);
    });
  }

  #notify(): void {
    for (const wake of [...this.#wake]) wake();
  }
}
