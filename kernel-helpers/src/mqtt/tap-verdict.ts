import type { Decoded } from "./codec";
import type { Fault } from "./tap-faults";
import type { Outlet, Sending } from "./tap-outlet";
import type { Mark } from "./tap-record";

/** One direction of a connection while faults are armed: takes packets apart before it forwards them. */
export interface Leg {
  /** Whether bytes must take this way, also with no fault armed. */
  readonly busy: boolean;
  push(chunk: Buffer, armed: boolean): void;
  /** No more bytes come: what is left of a packet goes, as it did come. */
  end(): void;
  /** Forwards what waits for the rest of its packet: no fault is armed any more. */
  flush(): void;
}

/** What a leg asks of its tap, and tells it. */
export interface LegEvents {
  /** Which fault meets this packet. */
  decide(decoded: Decoded): Fault | undefined;
  record(decoded: Decoded, mark: Mark | undefined): void;
  cut(fault: Fault): void;
  freeze(fault: Fault): void;
  now(): number;
}

/** What was decided for a packet. */
export interface Verdict {
  readonly fault?: Fault;
  readonly mark?: Mark;
  readonly how: Sending;
  readonly offset: number;
  readonly length: number;
}

/** From so many bytes on a packet is judged by its beginning, and the rest of it streams. */
export const PREVIEW = 65_536;

/** Decides what happens to the packets of one leg. */
export class Judge {
  readonly #leg: Leg;
  readonly #outlet: Outlet;
  readonly #events: LegEvents;

  constructor(leg: Leg, outlet: Outlet, events: LegEvents) {
    this.#leg = leg;
    this.#outlet = outlet;
    this.#events = events;
  }

  /** @param before is called before a fault begins: what came earlier must leave earlier. */
  judge(decoded: Decoded, before: () => void = () => undefined): Verdict {
    const fault = this.#outlet.frozen ? undefined : this.#events.decide(decoded);
    if (fault) before();
    if (fault?.kind === "frozen") this.#events.freeze(fault);
    if (!fault || fault.kind === "frozen") return this.untouched(decoded);
    const { offset, length } = decoded;
    const how = { ...this.behind(), ...this.#sending(fault, decoded) };
    return { offset, length, fault, mark: { fault: fault.kind }, how };
  }

  untouched({ offset, length }: Pick<Decoded, "offset" | "length">): Verdict {
    const kind = this.#outlet.waitsFor?.kind;
    return { offset, length, mark: kind && { fault: kind }, how: this.behind() };
  }

  /** How bytes travel that have no fault of their own. */
  behind(): Sending {
    const { kind, gate, together } = this.#outlet.waitsFor ?? {};
    return together ? { kind, gate, together } : {};
  }

  #sending(fault: Fault, { length }: Decoded): Sending {
    const { kind } = fault;
    if (kind === "delayed") return { kind, due: fault.due };
    if (kind === "held") return { kind, gate: fault.gate };
    if (kind === "split") {
      const size = fault.details.size ?? Math.ceil(Math.min(length, PREVIEW) / 2);
      return { size, gap: fault.details.gap ?? 10 };
    }
    if (kind !== "coalesced") return {};
    fault.leg = this.#leg;
    return { kind, gate: fault.gate, together: true };
  }
}

/** Which of a packet's bytes a corruption is about, from 0. */
export function corruptAt({ fault, length }: Verdict): number {
  const wanted = fault?.details.at ?? -1;
  return Math.min(length - 1, Math.max(0, wanted < 0 ? length + wanted : wanted));
}
