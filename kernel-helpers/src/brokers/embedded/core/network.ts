/** What a broker needs of a network. Node's TCP is behind it, or a network in memory. */

/** What happens on a connection; each is called after the call that caused it has returned. */
export interface ConnectionEvents {
  /** An outgoing connection was made. */
  open?(): void;
  data(bytes: Uint8Array): void;
  /** More can be written again. */
  drain(): void;
  /** The other side sends no more. */
  end(): void;
  /** The connection broke, or couldn't be made. @param errno of WASI */
  error(errno: number): void;
}

/** A stream of bytes in both directions. */
export interface Connection {
  /** Has to be called once, at once; what comes earlier is kept until then. */
  listen(events: ConnectionEvents): void;
  /** Takes ownership of the bytes. false = wait for `drain`. */
  write(bytes: Uint8Array): boolean;
  /** Sends what is left and no more after it; goes on receiving. */
  finish(): void;
  /** Sends what is left and closes. */
  end(): void;
  /** Closes at once; what wasn't sent is lost, the other side sees a reset where the network knows one. */
  destroy(): void;
  pause(): void;
  resume(): void;
}

/** Where a listener is to be opened: 4 and 6 are IPv4 and IPv6, 0 is a path. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  readonly family: 0 | 4 | 6;
}

export interface OpenListener {
  close(): void;
}

export type Incoming = (connection: Connection, ip: string, port: number) => void;

export interface Network {
  readonly hostname: string;
  /**
   * Opens a listener. A network that can't answer at once returns, and calls `failed` when it couldn't be opened.
   * @returns the listener, or an errno.
   */
  listen(address: ListenAddress, incoming: Incoming, failed: (errno: number) => void): OpenListener | number;
  /** Begins to connect: `open` or `error` follows. Returns an errno where it can't even begin. */
  connect(address: ListenAddress): Connection | number;
}
