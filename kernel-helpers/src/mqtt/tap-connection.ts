import { connect, type Socket } from "node:net";
import type { Address } from "./address";
import type { Direction } from "./packet";
import { Outlet } from "./tap-outlet";

/** A TCP connection through the tap. Times as in the records. */
export interface TapConnection {
  /** From 1. */
  readonly number: number;
  readonly openedAt: number;
  readonly closedAt?: number;
  readonly clientId?: string;
  /** "the client ended it (FIN)": in words; absent while it is open. */
  readonly end?: string;
  /** Bytes that were forwarded. */
  readonly toBroker: number;
  readonly toClient: number;
}

/** What a relay tells the tap. */
export interface RelayEvents {
  /** These bytes came. True when the tap forwards them itself, by the relay's outlet. */
  taken(direction: Direction, bytes: Buffer): boolean;
  /** These bytes came and were forwarded just now, untouched. */
  passed(direction: Direction, bytes: Buffer): void;
  /** So many bytes left for the other side. */
  forwarded(direction: Direction, bytes: number): void;
  /** One direction is over: no more bytes will come from there. Its end is forwarded after this. */
  ended(direction: Direction): void;
  unreachable(error: NodeJS.ErrnoException): void;
  /** Both sockets are closed. @param end in words. */
  closed(end: string): void;
}

/**
 * Carries bytes between a client's socket and the broker, unchanged and in order, with half-close, back pressure and
 * resets. The client's socket must have been accepted paused and half-open.
 */
export class Relay {
  /** By direction: what the tap's faults make wait. */
  readonly outlets: Readonly<Record<Direction, Outlet>>;
  readonly #client: Socket;
  readonly #broker: Socket;
  readonly #events: RelayEvents;
  #end: string | undefined;
  #open = 2;
  #frozen = false;
  /** Who has to learn of a reset when the freeze is over. */
  #toReset: Socket | undefined;

  constructor(client: Socket, target: Address, events: RelayEvents) {
    this.#client = client;
    this.#events = events;
    this.#broker = connect({ host: target.host, port: target.port, noDelay: true, allowHalfOpen: true });
    this.outlets = {
      "to-broker": this.#outlet("to-broker", this.#client, this.#broker),
      "to-client": this.#outlet("to-client", this.#broker, this.#client),
    };
    this.#start();
  }

  /** Ends both sides at once. */
  destroy(): void {
    this.#end ??= "the tap was closed";
    this.#forget();
    this.#client.destroy();
    this.#broker.destroy();
  }

  /** Ends both sides as a failing network does: with RST, or with FIN. What was forwarded before arrives. */
  cut(how: "RST" | "FIN"): void {
    this.#end ??= `the tap cut it (${how})`;
    this.#forget();
    for (const socket of [this.#client, this.#broker]) {
      if (socket.destroyed) continue;
      if (how === "FIN") socket.destroySoon();
      else if (socket.writableLength === 0) socket.resetAndDestroy();
      else {
        const reset = () => {
          clearTimeout(impatience);
          socket.resetAndDestroy();
        };
        const impatience = setTimeout(reset, PATIENCE);
        socket.once("drain", reset).once("close", () => clearTimeout(impatience));
      }
    }
  }

  /** From now on neither side hears of the other, not even that it has gone. */
  freeze(): void {
    this.#frozen = true;
    for (const outlet of Object.values(this.outlets)) outlet.frozen = true;
  }

  /** All that waited goes on its way, and the news of a reset. */
  thaw(): void {
    this.#frozen = false;
    for (const outlet of Object.values(this.outlets)) outlet.frozen = false;
    if (this.#toReset) {
      this.#forget();
      if (!this.#toReset.destroyed) this.#toReset.resetAndDestroy();
      return;
    }
    for (const outlet of Object.values(this.outlets)) outlet.pump();
  }

  #outlet(direction: Direction, from: Socket, to: Socket): Outlet {
    const outlet = new Outlet({
      get full() {
        return to.writableNeedDrain;
      },
      write: (bytes) => {
        if (to.destroyed || to.writableEnded) return;
        to.write(bytes);
        this.#events.forwarded(direction, bytes.length);
        if (from.isPaused()) setImmediate(pace);
      },
    });
    const pace = () => {
      if (!to.writableNeedDrain && !outlet.crowded) from.resume();
    };
    to.on("drain", () => {
      outlet.pump();
      pace();
    });
    return outlet;
  }

  #start(): void {
    const client = this.#client;
    const broker = this.#broker;
    client.setNoDelay(true);
    let reached = false;
    broker.on("connect", () => {
      reached = true;
      this.#leg("to-broker", client, broker);
      this.#leg("to-client", broker, client);
    });
    broker.on("error", (error: NodeJS.ErrnoException) => {
      if (!reached) {
        this.#end ??= `the broker could not be reached (${error.code ?? error.message})`;
        this.#events.unreachable(error);
      }
      this.#broken("the broker", client);
    });
    client.on("error", () => this.#broken("the client", broker));
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      socket.on("close", () => this.#gone(other));
    }
  }

  #leg(direction: Direction, from: Socket, to: Socket): void {
    const outlet = this.outlets[direction];
    from.on("data", (chunk: Buffer) => {
      if (this.#events.taken(direction, chunk)) {
        if ((to.writableNeedDrain || outlet.crowded) && !to.destroyed) from.pause();
        return;
      }
      // Forward first: what is told to the tap is looked at later, in the gaps.
      if (!to.write(chunk) && !to.destroyed) from.pause();
      this.#events.passed(direction, chunk);
    });
    from.on("end", () => {
      this.#end ??= `${direction === "to-broker" ? "the client" : "the broker"} ended it (FIN)`;
      this.#events.ended(direction);
      if (outlet.busy) outlet.afterwards(() => to.end());
      else to.end();
    });
    from.resume();
  }

  /** One side broke: the other learns it in the same way. */
  #broken(who: string, other: Socket): void {
    this.#end ??= `${who} reset it (RST)`;
    if (this.#frozen) this.#toReset = other;
    else if (!other.destroyed) other.resetAndDestroy();
  }

  #gone(other: Socket): void {
    // A side that closed without FIN or RST of its own was destroyed here; the other must not stay half-open for ever.
    if (--this.#open === 0) {
      this.#forget();
      this.#events.closed(this.#end ?? "it ended");
    } else if (!other.destroyed && other.readableEnded && other.writableFinished) other.destroy();
  }

  #forget(): void {
    for (const outlet of Object.values(this.outlets)) outlet.clear();
  }
}

/** Milliseconds that a cut waits for a reader that doesn't read. */
const PATIENCE = 1_000;
