import { performance } from "node:perf_hooks";
import type { FaultKind } from "./tap-record";

/** Holds back what was sent through it, until it is opened. */
export class Gate {
  #open = false;
  readonly #outlets = new Set<Outlet>();

  get isOpen(): boolean {
    return this.#open;
  }

  open(): void {
    this.#open = true;
    for (const outlet of this.#outlets) outlet.pump();
    this.#outlets.clear();
  }

  stops(outlet: Outlet): void {
    if (!this.#open) this.#outlets.add(outlet);
  }
}

export interface Sending {
  /** Not before that moment, by `performance.now()`. */
  readonly due?: number;
  readonly gate?: Gate;
  /** All that waits at the gate leaves in one write. */
  readonly together?: boolean;
  /** Bytes a write, with `gap` milliseconds between two. */
  readonly size?: number;
  readonly gap?: number;
  /** Not before so many milliseconds after what was sent before it has left. */
  readonly after?: number;
  /** Why it waits: what comes behind it waits for the same reason. */
  readonly kind?: FaultKind;
  /** All of these bytes were written. */
  readonly sent?: () => void;
}

type Item = { bytes?: Buffer; due?: number; after?: number; last?: () => void } & Omit<Sending, "due" | "after">;

/** The other end of an outlet: what a socket does with what is written. */
export interface Sink {
  /** Whether it takes no more at the moment; `pump` is called when it does again. */
  readonly full: boolean;
  write(bytes: Buffer): void;
}

/**
 * What waits to be forwarded in one direction, in order: nothing overtakes what was sent before. Whoever fills it looks
 * at `crowded` and stops reading.
 */
export class Outlet {
  /** Nothing at all leaves. */
  frozen = false;
  readonly #sink: Sink;
  #items: Item[] = [];
  #first = 0;
  #bytes = 0;
  #why: Sending | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pumping = false;
  #wrote = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  get busy(): boolean {
    return this.frozen || this.#first < this.#items.length;
  }

  get crowded(): boolean {
    return this.#bytes >= MOST;
  }

  /** Why the next bytes would wait, where that is a fault's doing. */
  get waitsFor(): Sending | undefined {
    if (this.frozen) return { kind: "frozen" };
    const why = this.busy ? this.#why : undefined;
    if (why?.gate) return why.gate.isOpen ? undefined : why;
    return why?.due !== undefined && why.due > performance.now() ? why : undefined;
  }

  send(bytes: Buffer, how: Sending = {}): void {
    if (!bytes.length) return;
    if (!this.waitsFor && (how.gate || how.due !== undefined)) this.#why = how;
    this.#push({ bytes, ...how });
    how.gate?.stops(this);
    this.#bytes += bytes.length;
    // What should leave together would wait for ever behind a sender that was told to wait.
    if (this.crowded) for (const item of this.#items) if (item.together) item.gate?.open();
    this.pump();
  }

  /** When all before it has left. */
  afterwards(last: () => void): void {
    this.#push({ last });
    this.pump();
  }

  pump(): void {
    // A write may call back at once.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#next()) {}
    } finally {
      this.#pumping = false;
    }
  }

  /** Forgets all that waits. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#items = [];
    this.#first = 0;
    this.#bytes = 0;
  }

  #push(item: Item): void {
    if (this.#first > 1024) {
      this.#items.splice(0, this.#first);
      this.#first = 0;
    }
    this.#items.push(item);
  }

  /** Whether the first of them left, or a piece of it. */
  #next(): boolean {
    const item = this.#items[this.#first];
    if (!item || this.frozen || this.#sink.full || item.gate?.isOpen === false) return false;
    if (item.after !== undefined) {
      item.due = this.#wrote + item.after;
      item.after = undefined;
    }
    if (item.due !== undefined) {
      const left = item.due - performance.now();
      if (left > 0) {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.pump(), Math.ceil(left));
        return false;
      }
      item.due = undefined;
    }
    if (item.size !== undefined && item.bytes && item.bytes.length > item.size) {
      this.#write(item.bytes.subarray(0, item.size));
      item.bytes = item.bytes.subarray(item.size);
      item.due = performance.now() + (item.gap ?? 0);
      return true;
    }
    const leaving = item.together ? this.#company(item) : [item];
    this.#first += leaving.length;
    const bytes = leaving.flatMap((one) => (one.bytes ? [one.bytes] : []));
    if (bytes.length) this.#write(bytes.length === 1 ? bytes[0]! : Buffer.concat(bytes));
    // What has left must not be kept alive by the list.
    for (const one of leaving) one.bytes = undefined;
    if (this.#first >= this.#items.length) {
      this.#items = [];
      this.#first = 0;
    }
    for (const one of leaving) one.sent?.();
    item.last?.();
    return true;
  }

  #company(item: Item): Item[] {
    const company: Item[] = [];
    for (let at = this.#first; this.#items[at]?.gate === item.gate; at++) company.push(this.#items[at]!);
    return company;
  }

  #write(bytes: Buffer): void {
    this.#bytes -= bytes.length;
    this.#wrote = performance.now();
    this.#sink.write(bytes);
  }
}

/** How many bytes wait at most before the sender is made to wait: as many as a socket's own buffers, about. */
const MOST = 1 << 20;
