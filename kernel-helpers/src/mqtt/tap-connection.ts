import { connect, type Socket } from "node:net";
import type { Address } from "./address";
import type { Direction } from "./packet";

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
  /** These bytes were forwarded just now. */
  forwarded(direction: Direction, bytes: Buffer): void;
  /** One direction is over: no more bytes will come from there. */
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
  readonly #client: Socket;
  readonly #broker: Socket;
  readonly #events: RelayEvents;
  #end: string | undefined;
  #open = 2;

  constructor(client: Socket, target: Address, events: RelayEvents) {
    this.#client = client;
    this.#events = events;
    this.#broker = connect({ host: target.host, port: target.port, noDelay: true, allowHalfOpen: true });
    this.#start();
  }

  /** Ends both sides at once. */
  destroy(): void {
    this.#end ??= "the tap was closed";
    this.#client.destroy();
    this.#broker.destroy();
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
    // Forward first: what is told to the tap is looked at later, in the gaps.
    from.on("data", (chunk: Buffer) => {
      if (!to.write(chunk) && !to.destroyed) {
        from.pause();
        to.once("drain", () => from.resume());
      }
      this.#events.forwarded(direction, chunk);
    });
    from.on("end", () => {
      this.#end ??= `${direction === "to-broker" ? "the client" : "the broker"} ended it (FIN)`;
      this.#events.ended(direction);
      to.end();
    });
    from.resume();
  }

  /** One side broke: the other learns it in the same way. */
  #broken(who: string, other: Socket): void {
    this.#end ??= `${who} reset it (RST)`;
    if (!other.destroyed) other.resetAndDestroy();
  }

  #gone(other: Socket): void {
    // A side that closed without FIN or RST of its own was destroyed here; the other must not stay half-open for ever.
    if (--this.#open === 0) this.#events.closed(this.#end ?? "it ended");
    else if (!other.destroyed && other.readableEnded && other.writableFinished) other.destroy();
  }
}
