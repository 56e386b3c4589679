import { Errno } from "./files";
import type { Connection, ConnectionEvents, Incoming, ListenAddress, Network, OpenListener } from "./network";

type Event = (events: ConnectionEvents) => void;

/** One end of a connection inside this process. Bytes arrive in a later microtask, in order. */
class MemoryEnd implements Connection {
  peer!: MemoryEnd;
  #events: ConnectionEvents | null = null;
  #waiting: Event[] = [];
  #paused = false;
  #over = false;

  listen(events: ConnectionEvents): void {
    this.#events = events;
    this.#deliver();
  }

  write(bytes: Uint8Array): boolean {
    if (!this.#over) this.peer.emit((events) => events.data(bytes));
    return true;
  }

  finish(): void {
    this.#close((events) => events.end());
  }

  end(): void {
    this.#close((events) => events.end());
  }

  destroy(): void {
    this.#close((events) => events.error(Errno.connreset));
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#deliver();
  }

  emit(event: Event): void {
    this.#waiting.push(event);
    queueMicrotask(() => this.#deliver());
  }

  #close(event: Event): void {
    if (this.#over) return;
    this.#over = true;
    this.peer.emit(event);
  }

  #deliver(): void {
    while (this.#events && !this.#paused) {
      const event = this.#waiting.shift();
      if (!event) return;
      event(this.#events);
    }
  }
}

/** A network inside this process: brokers and clients that share it reach each other by port. For pages and tests. */
export class MemoryNetwork implements Network {
  readonly hostname = "page";
  readonly #listeners = new Map<number, Incoming>();
  #lastPort = 40_000;

  listen(address: ListenAddress, incoming: Incoming): OpenListener | number {
    // The IPv6 half of a listener on all addresses: there is one address here.
    if (address.family === 6) return { close() {} };
    if (address.family === 0) return Errno.nosys;
    if (this.#listeners.has(address.port)) return Errno.addrinuse;
    this.#listeners.set(address.port, incoming);
    return { close: () => void this.#listeners.delete(address.port) };
  }

  connect(address: Pick<ListenAddress, "port">): Connection {
    const near = new MemoryEnd();
    const far = new MemoryEnd();
    near.peer = far;
    far.peer = near;
    const from = ++this.#lastPort;
    queueMicrotask(() => {
      const incoming = this.#listeners.get(address.port);
      if (!incoming) {
        near.emit((events) => events.error(Errno.connrefused));
        return;
      }
      incoming(far, "127.0.0.1", from);
      near.emit((events) => events.open?.());
    });
    return near;
  }
}
