import { LabError } from "../core/errors";
import { Waiting } from "./waiting";

/** A PUBLISH as a subscriber received it. */
export interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** The payload as UTF-8. */
  readonly text: string;
  readonly qos: 0 | 1 | 2;
  /** RETAIN as it arrived: 1 for stored messages, 0 for live ones unless Retain As Published [MQTT-3.3.1-12]. */
  readonly retain: boolean;
  readonly dup: boolean;
  readonly properties: Readonly<Record<string, unknown>>;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What a message has to be: an exact topic, or a test. */
export type MessageFilter = string | ((message: Message) => boolean);

/** When a collection is complete: a number of messages, or a message that is the last one. */
export type Complete = number | { readonly until: MessageFilter };

export interface CollectOptions {
  /** Milliseconds, default 5,000. */
  timeout?: number;
  /** Messages that don't fit are left for others. */
  filter?: MessageFilter;
}

/** Keeps every message, and which of them somebody has taken. */
export class Inbox {
  readonly messages: Message[] = [];
  readonly #taken = new Set<Message>();
  readonly #waiting = new Waiting();
  readonly #owner: () => string;
  /** "" while more may come, else why not. */
  readonly #over: () => string;

  constructor(owner: () => string, over: () => string) {
    this.#owner = owner;
    this.#over = over;
  }

  put(message: Message): void {
    this.messages.push(message);
    this.#waiting.notify();
  }

  /** Something changed that may end a wait. */
  notify(): void {
    this.#waiting.notify();
  }

  async collect(complete: Complete, options: CollectOptions = {}): Promise<Message[]> {
    const { timeout = 5_000, filter } = options;
    const fits = filterTest(filter);
    const last = typeof complete === "number" ? undefined : filterTest(complete.until);
    let found: Message[] = [];
    let seen = 0;
    const search = (): Message[] | undefined => {
      // What another wait has taken meanwhile is no longer ours; what was looked at once isn't looked at again.
      if (found.some((message) => this.#taken.has(message))) [found, seen] = [[], 0];
      if (typeof complete === "number" && found.length >= complete) return found;
      for (; seen < this.messages.length; ) {
        const message = this.messages[seen++]!;
        if (this.#taken.has(message)) continue;
        const ends = last?.(message) ?? false;
        if (ends || fits(message)) found.push(message);
        if (ends || (typeof complete === "number" && found.length >= complete)) return found;
      }
      return undefined;
    };
    const look = () => {
      const all = search();
      // At once, before another wait of the same wake-up can look.
      for (const message of all ?? []) this.#taken.add(message);
      return all;
    };
    const all = await this.#waiting.until(look, timeout, () => this.#over() !== "");
    if (!all) throw this.#missing(complete, found.length, filter, timeout);
    return all;
  }

  /** Messages that nobody has taken. */
  untaken(filter?: MessageFilter): Message[] {
    const fits = filterTest(filter);
    return this.messages.filter((message) => !this.#taken.has(message) && fits(message));
  }

  #missing(complete: Complete, came: number, filter: MessageFilter | undefined, timeout: number): LabError {
    const what =
      typeof complete !== "number" ? "a last message" : complete === 1 ? "a message" : `${complete} messages`;
    const wait = this.#over() ? `before the connection ended${this.#over()}` : `within ${timeout} ms`;
    const others = this.untaken();
    const instead = others.length ? `; there was ${listing(others)}` : "";
    return new LabError(
      "TIMEOUT",
      `${this.#owner()} awaited ${what}${wanted(typeof complete === "number" ? filter : complete.until)} and got ${came || "none"} ${wait}${instead}`,
      "was the subscription granted before the publish, and does its filter match the topic?",
    );
  }
}

const filterTest = (filter: MessageFilter | undefined): ((message: Message) => boolean) =>
  typeof filter === "string" ? (message) => message.topic === filter : (filter ?? (() => true));

/** A filter in words, to stand behind "a message". */
export const wanted = (filter?: MessageFilter): string =>
  typeof filter === "string" ? ` on ${filter}` : filter ? " of that kind" : "";

/** The first few messages by topic and text. */
export function listing(messages: readonly Message[]): string {
  const shown = messages.slice(0, 3).map((message) => `${message.topic} ${JSON.stringify(message.text.slice(0, 40))}`);
  return `${shown.join(", ")}${messages.length > 3 ? ` and ${messages.length - 3} more` : ""}`;
}
