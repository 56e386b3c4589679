/** TCP (and Unix sockets) of this machine for a program. */
import { connect as connectSocket, createServer, type Server, type Socket } from "node:net";
import { hostname } from "node:os";
import type { Cable } from "../../cable";
import { Errno } from "../core/files";
import type { Connection, ConnectionEvents, Incoming, ListenAddress, Network, OpenListener } from "../core/network";

/** A place on this machine. */
export type Place = { readonly host: string; readonly port: number } | { readonly path: string };

const ERRNO: Record<string, number> = {
  EADDRINUSE: Errno.addrinuse,
  EACCES: Errno.acces,
  ECONNREFUSED: Errno.connrefused,
  ECONNRESET: Errno.connreset,
  EPIPE: Errno.connreset,
  EADDRNOTAVAIL: Errno.inval,
};

export const errnoOf = (error: Error): number =>
  ERRNO[(error as NodeJS.ErrnoException).code ?? ""] ?? Errno.hostunreach;

/** A socket as a program's connection. */
export function connectionOf(socket: Socket): Connection {
  // Errors before `listen` and after `end` have nobody to hear them, and must not end the process.
  socket.on("error", () => {});
  return {
    listen(events: ConnectionEvents) {
      if (events.open) socket.on("connect", events.open);
      socket.on("data", events.data).on("drain", events.drain).on("end", events.end);
      socket.on("error", (error) => events.error(errnoOf(error)));
      socket.resume();
    },
    write: (bytes) => socket.destroyed || socket.write(bytes),
    finish: () => void socket.end(),
    end() {
      // The other side may go on sending: nobody reads it any more.
      socket.removeAllListeners("data").resume();
      socket.end(() => socket.destroySoon());
    },
    destroy: () => void socket.destroy(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  };
}

/**
 * A server that listens already, for a program that will ask for it later: a program opens its listeners in one go and
 * can't wait for an answer, and so it hears at once what came of it.
 */
export class ReadyServer {
  readonly #server: Server;
  #early: Socket[] = [];
  #incoming: Incoming | null = null;

  /** @throws the system's error: EADDRINUSE, EACCES. */
  static async open(place: Place): Promise<ReadyServer> {
    const ready = new ReadyServer();
    await new Promise<void>((resolve, reject) => {
      ready.#server.once("error", reject);
      ready.#server.listen({ ...place, exclusive: true }, () => {
        ready.#server.off("error", reject).on("error", () => {});
        resolve();
      });
    });
    return ready;
  }

  private constructor() {
    const options = { noDelay: true, allowHalfOpen: true, pauseOnConnect: true };
    this.#server = createServer(options, (socket) => {
      if (this.#incoming) hand(socket, this.#incoming);
      else this.#early.push(socket);
    });
  }

  get claimed(): boolean {
    return this.#incoming !== null;
  }

  claim(incoming: Incoming): OpenListener {
    this.#incoming = incoming;
    for (const socket of this.#early.splice(0)) hand(socket, incoming);
    return { close: () => this.close() };
  }

  close(): void {
    for (const socket of this.#early.splice(0)) socket.destroy();
    this.#server.close(() => {});
  }
}

function hand(socket: Socket, incoming: Incoming): void {
  incoming(connectionOf(socket), socket.remoteAddress ?? "unix", socket.remotePort ?? 0);
}

export interface TcpOptions {
  /** Where a connection really goes; an errno refuses it. Default: where it wants to go. */
  readonly route?: (address: ListenAddress) => Place | number;
  /** What lies between the program and there, and may be cut. */
  readonly cable?: (address: ListenAddress) => Cable | undefined;
  /** A Unix socket's real path. */
  readonly realPath?: (path: string) => string;
}

/** Outgoing connections, and listeners exactly where the program wants them. */
export class TcpNetwork implements Network {
  readonly hostname = hostname();

  constructor(protected readonly options: TcpOptions = {}) {}

  connect(address: ListenAddress): Connection | number {
    const place = address.family === 0 ? this.path(address) : (this.options.route?.(address) ?? address);
    if (typeof place === "number") return place;
    const connect = () => connectionOf(connectSocket({ ...place, noDelay: true, allowHalfOpen: true }));
    return this.options.cable?.(address)?.connect(connect) ?? connect();
  }

  /** Answers before it is open: `failed` follows when it couldn't be. */
  listen(address: ListenAddress, incoming: Incoming, failed: (errno: number) => void): OpenListener | number {
    const place = address.family === 0 ? this.path(address) : { host: address.host, port: address.port };
    let server: ReadyServer | undefined;
    let closed = false;
    ReadyServer.open({ ...place, ...(address.family === 6 ? { ipv6Only: true } : {}) }).then(
      (ready) => {
        if (closed) ready.close();
        else {
          server = ready;
          ready.claim(incoming);
        }
      },
      // Without IPv6 on this machine a listener on all addresses still serves IPv4.
      (error) => address.family !== 6 && failed(errnoOf(error)),
    );
    return {
      close() {
        closed = true;
        server?.close();
      },
    };
  }

  protected path(address: ListenAddress): { path: string } {
    return { path: this.options.realPath?.(address.host) ?? address.host };
  }
}

/** The servers of one published port: for everybody, and for a listener that is bound to the broker's own loopback. */
export interface Doors {
  readonly outside: ReadyServer;
  readonly inside: ReadyServer | null;
}

const LOOPBACK = /^(127\.|::1$)/;

/** Listeners on ports that the engine chose and opened before the program asks for them. */
export class PublishedNetwork extends TcpNetwork {
  readonly #doors: ReadonlyMap<number, Doors>;
  readonly #families = new Map<number, Set<number>>();

  /** @param doors by the port in the configuration. */
  constructor(doors: ReadonlyMap<number, Doors>, options: TcpOptions) {
    super(options);
    this.#doors = doors;
  }

  override listen(address: ListenAddress, incoming: Incoming, failed: (errno: number) => void): OpenListener | number {
    if (address.family === 0) return super.listen(address, incoming, failed);
    const families = this.#families.get(address.port) ?? new Set();
    if (families.has(address.family)) return Errno.addrinuse;
    this.#families.set(address.port, families.add(address.family));
    const doors = this.#doors.get(address.port);
    if (doors) return openDoor(doors, address, incoming);
    return super.listen({ ...address, host: "127.0.0.1", port: 0, family: 4 }, incoming, failed);
  }
}

function openDoor({ outside, inside }: Doors, address: ListenAddress, incoming: Incoming): OpenListener {
  const door = inside && LOOPBACK.test(address.host) ? inside : outside;
  // Both families of a listener on all addresses are reached through one port here.
  if (door.claimed) return { close() {} };
  if (door === inside && !outside.claimed) outside.claim((connection) => connection.destroy());
  return door.claim(incoming);
}
