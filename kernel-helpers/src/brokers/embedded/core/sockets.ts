/** Joins a program's sockets (shim/sockets.c) to a network. No Node built-in. */
import { Errno } from "./files";
import type { Connection, ListenAddress, Network, OpenListener } from "./network";
import type { WasmImports, WasmMemory } from "./webassembly";

/** What a program with sockets exports. */
export interface SocketExports {
  readonly memory: WasmMemory;
  socket_incoming(listener: number, ip: number, port: number): number;
  socket_reserve(fd: number, count: number): number;
  socket_received(fd: number, count: number): number;
  socket_unread(fd: number): number;
  socket_connected(fd: number): void;
  socket_ended(fd: number, errno: number): void;
  socket_output(fd: number): number;
  socket_output_length(fd: number): number;
  socket_sent(fd: number, blocked: number): void;
  malloc?(size: number): number;
  free?(pointer: number): void;
}

/** Bytes of one connection that a program has not read: above the first it is not read from the network any more. */
const PAUSE_ABOVE = 1 << 20;
const RESUME_BELOW = 1 << 18;

interface Open {
  readonly connection: Connection;
  paused: boolean;
}

export interface SocketsOptions {
  readonly network: Network;
  /** Something came in: the program should have a turn. */
  readonly wake: () => void;
  /** A listener couldn't be opened after all. */
  readonly listenFailed?: (address: ListenAddress, errno: number) => void;
}

export class Sockets {
  readonly #network: Network;
  readonly #wake: () => void;
  readonly #listenFailed: SocketsOptions["listenFailed"];
  readonly #listeners = new Map<number, OpenListener>();
  readonly #open = new Map<number, Open>();
  readonly #toFlush = new Set<number>();
  #exports!: SocketExports;
  #bytes = new Uint8Array(0);
  #closed = false;
  #frozen = false;

  constructor(options: SocketsOptions) {
    this.#network = options.network;
    this.#wake = options.wake;
    this.#listenFailed = options.listenFailed;
  }

  bind(exports: SocketExports): void {
    this.#exports = exports;
  }

  /** The functions that the program imports. */
  get imports(): WasmImports[string] {
    return {
      listen: (fd: number, host: number, port: number, family: number) =>
        this.#listen(fd, { host: this.text(host), port, family: family as ListenAddress["family"] }),
      unlisten: (fd: number) => {
        this.#listeners.get(fd)?.close();
        this.#listeners.delete(fd);
      },
      connect: (fd: number, host: number, port: number, family: number) =>
        this.#connect(fd, { host: this.text(host), port, family: family as ListenAddress["family"] }),
      flush: (fd: number) => void this.#toFlush.add(fd),
      finish: (fd: number, last: number, count: number) => this.#finish(fd, last, count),
      close: (fd: number, last: number, count: number) => this.#close(fd, last, count),
      hostname: (at: number, size: number) => {
        const name = new TextEncoder().encode(this.#network.hostname).subarray(0, size - 1);
        this.memory.set(name, at);
        this.memory[at + name.length] = 0;
      },
    };
  }

  /** The program's memory. Its buffer is another one after it has grown: don't keep it. */
  get memory(): Uint8Array {
    const { buffer } = this.#exports.memory;
    if (this.#bytes.buffer !== buffer) this.#bytes = new Uint8Array(buffer);
    return this.#bytes;
  }

  /** A C string. */
  text(at: number): string {
    const memory = this.memory;
    return new TextDecoder().decode(memory.slice(at, memory.indexOf(0, at)));
  }

  /** Sends what the program wrote since the last time, and reads on where it has caught up. */
  flush(): void {
    for (const fd of this.#toFlush) {
      const open = this.#open.get(fd);
      const length = this.#exports.socket_output_length(fd);
      if (!open || !length) continue;
      const at = this.#exports.socket_output(fd);
      const taken = open.connection.write(this.memory.slice(at, at + length));
      this.#exports.socket_sent(fd, taken ? 0 : 1);
    }
    this.#toFlush.clear();
    if (this.#frozen) return;
    for (const [fd, open] of this.#open) {
      if (!open.paused || this.#exports.socket_unread(fd) > RESUME_BELOW) continue;
      open.paused = false;
      open.connection.resume();
    }
  }

  /** Reads nothing from any connection until `thaw`. */
  freeze(): void {
    this.#frozen = true;
    for (const { connection } of this.#open.values()) connection.pause();
  }

  thaw(): void {
    this.#frozen = false;
    for (const { connection, paused } of this.#open.values()) if (!paused) connection.resume();
  }

  /** The program is gone: its listeners close, its connections break off. */
  closeAll(how: "end" | "destroy"): void {
    this.#closed = true;
    for (const listener of this.#listeners.values()) listener.close();
    for (const { connection } of this.#open.values()) connection[how]();
    this.#listeners.clear();
    this.#open.clear();
  }

  #listen(fd: number, address: ListenAddress): number {
    const listener = this.#network.listen(
      address,
      (connection, ip, port) => this.#incoming(fd, connection, ip, port),
      (errno) => {
        this.#listeners.delete(fd);
        if (!this.#closed) this.#listenFailed?.(address, errno);
      },
    );
    if (typeof listener === "number") return -listener;
    this.#listeners.set(fd, listener);
    return 0;
  }

  #incoming(listener: number, connection: Connection, ip: string, port: number): void {
    const fd = this.#closed ? -1 : this.#withText(ip, (at) => this.#exports.socket_incoming(listener, at, port));
    if (fd < 0) {
      connection.destroy();
      return;
    }
    this.#attach(fd, connection);
    this.#wake();
  }

  #connect(fd: number, address: ListenAddress): number {
    const connection = this.#network.connect(address);
    if (typeof connection === "number") return -connection;
    this.#attach(fd, connection);
    return 0;
  }

  #attach(fd: number, connection: Connection): void {
    const open: Open = { connection, paused: false };
    this.#open.set(fd, open);
    // The program may have closed this descriptor, and given its number to another connection.
    const tell = (what: () => void) => {
      if (this.#closed || this.#open.get(fd) !== open) return;
      what();
      this.#wake();
    };
    connection.listen({
      open: () => tell(() => this.#exports.socket_connected(fd)),
      data: (bytes) => tell(() => this.#receive(fd, open, bytes)),
      drain: () => tell(() => this.#exports.socket_sent(fd, 0)),
      end: () => tell(() => this.#exports.socket_ended(fd, 0)),
      error: (errno) => tell(() => this.#exports.socket_ended(fd, errno)),
    });
    if (this.#frozen) connection.pause();
  }

  #receive(fd: number, open: Open, bytes: Uint8Array): void {
    const at = this.#exports.socket_reserve(fd, bytes.length);
    if (!at) {
      // No memory for what it sends: better to lose this connection than the broker.
      open.connection.destroy();
      this.#exports.socket_ended(fd, Errno.connreset);
      return;
    }
    this.memory.set(bytes, at);
    if (this.#exports.socket_received(fd, bytes.length) > PAUSE_ABOVE) {
      open.paused = true;
      open.connection.pause();
    }
  }

  #finish(fd: number, last: number, count: number): void {
    const open = this.#open.get(fd);
    this.#toFlush.delete(fd);
    if (!open) return;
    if (count) open.connection.write(this.memory.slice(last, last + count));
    open.connection.finish();
  }

  #close(fd: number, last: number, count: number): void {
    const open = this.#open.get(fd);
    this.#open.delete(fd);
    this.#toFlush.delete(fd);
    if (!open) return;
    if (count) open.connection.write(this.memory.slice(last, last + count));
    open.connection.end();
  }

  #withText<T>(text: string, use: (at: number) => T): T {
    const { malloc, free } = this.#exports;
    if (!malloc || !free) throw new Error("this program takes no connections");
    const bytes = new TextEncoder().encode(`${text}\0`);
    const at = malloc(bytes.length);
    this.memory.set(bytes, at);
    try {
      return use(at);
    } finally {
      free(at);
    }
  }
}
