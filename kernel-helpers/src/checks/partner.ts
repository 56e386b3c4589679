import { decode, type Encoded, encode, type HandleKind, type Receiver, type Sender } from "./exchange";
import { GRADED_ANSWER_LIMIT, inTime } from "./local";
import type { Peer } from "./peer";

export interface PartnerOptions {
  readonly peer: Peer;
  /** What a value of ours is called on the other side, and the other way round. */
  refer?(value: object): { kind: HandleKind; id: string } | undefined;
  resolve?(kind: HandleKind, id: string): unknown;
  isProxy?(value: object): boolean;
}

/** No check needs more functions at once; a peer that makes up more gets opaque values. */
const FUNCTIONS = 1_000;

/**
 * One end of the exchange of values across a connection: functions of either side can be called from the other, with a
 * time limit. Each end serves the call "function" with `serve`.
 */
export class Partner {
  readonly #options: PartnerOptions;
  readonly #kept = new Map<number, (...args: unknown[]) => unknown>();
  readonly #ids = new WeakMap<object, number>();
  #next = 1;

  constructor(options: PartnerOptions) {
    this.#options = options;
  }

  encode(value: unknown): Encoded {
    return encode(value, this.#sender);
  }

  /** A record whose values are encoded one by one: one that is too large leaves the others whole. */
  encodeEach(record: Readonly<Record<string, unknown>>): Encoded {
    return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, this.encode(value)]));
  }

  decode(encoded: Encoded | undefined): unknown {
    return encoded === undefined ? undefined : decode(encoded, this.#receiver);
  }

  /** Functions that were sent until now can no longer be called. */
  forget(): void {
    this.#kept.clear();
  }

  async serve(message: Encoded): Promise<Encoded> {
    const { id, args } = message as { id?: unknown; args?: Encoded };
    const fn = typeof id === "number" ? this.#kept.get(id) : undefined;
    if (!fn) throw new Error("this function is not there any more");
    const given = this.decode(args);
    return this.encode(await inTime(fn, Array.isArray(given) ? given : [], GRADED_ANSWER_LIMIT));
  }

  readonly #sender: Sender = {
    refer: (value) => this.#options.refer?.(value),
    isProxy: (value) => this.#options.isProxy?.(value) ?? false,
    keep: (fn) => this.#keep(fn),
  };

  readonly #receiver: Receiver = {
    resolve: (kind, id) => this.#options.resolve?.(kind, id),
    stub:
      (id) =>
      async (...args) => {
        const answer = await this.#options.peer.call("function", { id, args: this.encode(args) }, GRADED_ANSWER_LIMIT);
        return this.decode(answer);
      },
  };

  #keep(fn: (...args: unknown[]) => unknown): number {
    const known = this.#ids.get(fn);
    if (known !== undefined && this.#kept.has(known)) return known;
    if (this.#kept.size >= FUNCTIONS) throw new RangeError("too many functions");
    const id = this.#next++;
    this.#kept.set(id, fn);
    this.#ids.set(fn, id);
    return id;
  }
}
