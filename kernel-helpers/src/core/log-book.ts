import { LabError } from "./errors";

/** How the client ids of our own readiness probes begin. */
export const PROBE_CLIENT = "mqtt-notebooks-probe";

/** What Mosquitto says of a connection that has not said who it is. */
const NAMELESS = /New connection from|<unknown>|OpenSSL Error/;
/** For how long, in ms, lines may come after what they tell: of what follows a connection, and of the connection. */
const LATE = { follows: 200, connection: 2_000 };

/** A line of a broker's log. */
export interface LogLine {
  /** From 1, over all restarts of the broker. */
  readonly number: number;
  /** Milliseconds since the epoch, when this process read the line. */
  readonly at: number;
  readonly text: string;
  /** It speaks of a helper's own question whether the broker is ready. Waits and iterators leave such lines out. */
  readonly probe: boolean;
}

/** An append-only log that can be read back, awaited and followed. */
export class LogBook implements AsyncIterable<LogLine> {
  readonly lines: LogLine[] = [];
  #wake = new Set<() => void>();
  #ended = false;
  /**
   * Nameless connections are our own while nobody else knows the broker's ports. What is said of them may come a moment
   * later: until somebody else connects, whose failed handshake has no name either.
   */
  #probing = 0;
  #probedAt = 0;
  /** Ports on which a connection came in while questions were asked. */
  readonly #told = new Set<number>();
  /** Ports that answered a question over a connection of which the log has not told yet: the next one there is it. */
  #owed: { readonly ports: Set<number>; readonly since: number } = { ports: new Set(), since: 0 };

  append(text: string): void {
    const at = Date.now();
    const named = text.includes(PROBE_CLIENT);
    const port = Number(/New connection from \S+ on port (\d+)/.exec(text)?.[1]);
    if (this.#probing) this.#told.add(port);
    else if (this.#isOwed(port, at)) this.#probedAt = at;
    else if (text.includes("New connection")) this.#probedAt = 0;
    const late = at - this.#probedAt < LATE.follows;
    const follows = /No will message|^(?:\d+: )?\t/.test(text) && this.lines.at(-1)?.probe === true;
    const probe = named || follows || ((this.#probing > 0 || late) && NAMELESS.test(text));
    if (named) this.#markConnection(text);
    this.lines.push({ number: this.lines.length + 1, at, text, probe });
    this.#notify();
  }

  /**
   * Says that questions of readiness are being asked.
   * @returns a function to call when that is over, with the ports that answered.
   */
  probing(): (answered?: readonly number[]) => void {
    if (!this.#probing) this.#told.clear();
    this.#probing++;
    return (answered = []) => {
      this.#probing--;
      this.#probedAt = Date.now();
      this.#owed = { ports: new Set(answered.filter((port) => !this.#told.has(port))), since: this.#probedAt };
    };
  }

  /** A broker takes connections in order, so the first on a port that answered is the one over which it did. */
  #isOwed(port: number, at: number): boolean {
    return at - this.#owed.since < LATE.connection && this.#owed.ports.delete(port);
  }

  /** The line in which a probe's connection came in, before it said its name. */
  #markConnection(text: string): void {
    const from = /(?:from |\[)([0-9a-fA-F.:]+:\d+)/.exec(text)?.[1];
    if (!from) return; // a line with the name only: the newest connection may be another's by now
    for (let index = this.lines.length - 1; index >= Math.max(0, this.lines.length - 20); index--) {
      const line = this.lines[index]!;
      if (!line.text.includes("New connection from") || !line.text.includes(`${from} `)) continue;
      this.lines[index] = { ...line, probe: true };
      return;
    }
  }

  /** No more lines will come (the broker was removed): iterators end, waits fail at once. */
  end(): void {
    this.#ended = true;
    this.#notify();
  }

  /** The last lines as text, for messages. */
  tail(count = 10): string {
    return this.lines
      .filter((line) => !line.probe)
      .slice(-count)
      .map((line) => line.text)
      .join("\n");
  }

  /** The whole log; lines about our own probes say so. */
  toString(): string {
    return this.lines
      .map((line) => (line.probe ? `${line.text}  [the lab asks whether it is ready]` : line.text))
      .join("\n");
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
      for (; next < this.lines.length; next++) {
        const line = this.lines[next]!;
        if (!line.probe && fits(line.text)) return line;
      }
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
      for (; next < this.lines.length; next++) if (!this.lines[next]!.probe) yield this.lines[next]!;
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
