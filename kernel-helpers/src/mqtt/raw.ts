import { connect, type Socket } from "node:net";
import { LabError } from "../core/errors";
import { addressOf, type TcpTarget } from "./address";
import { type Agreement, type Decoded, type DecodedPacket, PacketDecoder, withFields } from "./codec";
import { encodePacket, type PacketToEncode } from "./encode";
import { toHexBytes } from "./hex";
import type { PacketType, ProtocolVersion } from "./packet";
import { Waiting } from "./waiting";

export interface RawOptions {
  /** Milliseconds to wait for the TCP connection. Default 5,000. */
  timeout?: number;
  /** How to read what the broker sends. Default: as the CONNECT that was sent says, else MQTT 5. */
  protocolVersion?: ProtocolVersion;
}

/** How a connection ended: who began it, and whether in order (FIN) or not (RST). */
export interface RawEnd {
  readonly by: "broker" | "client";
  readonly how: "FIN" | "RST";
}

/**
 * A TCP connection that speaks byte by byte and does nothing by itself: no CONNECT, no PUBACK, no PINGREQ. For cells
 * that break the protocol on purpose.
 */
export interface RawClient {
  /** What this side sent, taken apart. */
  readonly sent: readonly DecodedPacket[];
  /** What the broker sent, taken apart as it came. */
  readonly packets: readonly DecodedPacket[];
  /** All bytes that the broker sent. */
  readonly received: Uint8Array;
  /** Resolves when the connection has ended. */
  readonly closed: Promise<RawEnd>;
  /**
   * Sends a packet, bytes, or a string of hex digits ("c0 00"). Resolves when the system has taken it.
   * @throws LabError CONNECT_FAILED when the connection has ended.
   */
  send(what: PacketToEncode | Uint8Array | string, options?: { protocolVersion?: ProtocolVersion }): Promise<void>;
  /**
   * The next packet of this type (default: any) that no earlier `next` has taken.
   * @throws LabError TIMEOUT, which says what came instead and whether the connection ended.
   */
  next(type?: PacketType, options?: { timeout?: number }): Promise<DecodedPacket>;
  /** Sends FIN: says that nothing more will come, and goes on reading. */
  end(): void;
  /** Ends the connection without a DISCONNECT. Safe to call twice. */
  close(): Promise<void>;
  /** Ends it with RST, as a program does that crashes. */
  reset(): void;
}

/** Opens a TCP connection. @throws LabError CONNECT_FAILED, BAD_ARGUMENT for WebSocket and TLS addresses. */
export async function openRaw(target: TcpTarget, options: RawOptions = {}): Promise<RawClient> {
  const { scheme, host, port } = addressOf(target);
  if (scheme !== "mqtt") {
    throw new LabError(
      "BAD_ARGUMENT",
      `a raw client speaks plain TCP, not ${scheme}://`,
      "give the URL of a plain listener: mqtt://…",
    );
  }
  const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
  const timeout = options.timeout ?? 5_000;
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string, cause?: Error) => {
      clearTimeout(timer);
      socket.destroy();
      reject(unreachable(`${host}:${port}`, why, cause));
    };
    const timer = setTimeout(() => fail(`no answer within ${timeout} ms`), timeout);
    socket.once("error", (error: NodeJS.ErrnoException) => fail(error.code ?? error.message, error));
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.removeAllListeners("error");
      resolve();
    });
  });
  return new Raw(socket, `${host}:${port}`, options.protocolVersion);
}

class Raw implements RawClient {
  readonly sent: DecodedPacket[] = [];
  readonly packets: DecodedPacket[] = [];
  readonly closed: Promise<RawEnd>;
  readonly #socket: Socket;
  readonly #address: string;
  readonly #up: PacketDecoder;
  readonly #down: PacketDecoder;
  readonly #waiting = new Waiting();
  readonly #taken = new Set<DecodedPacket>();
  #chunks: Uint8Array[] = [];
  #end: RawEnd | undefined;

  constructor(socket: Socket, address: string, protocolVersion?: ProtocolVersion) {
    this.#socket = socket;
    this.#address = address;
    const agreement: Agreement = { protocolVersion };
    this.#up = new PacketDecoder({ direction: "to-broker", agreement });
    this.#down = new PacketDecoder({ direction: "to-client", agreement });
    this.closed = new Promise((resolve) => this.#listen(resolve));
  }

  get received(): Uint8Array {
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }

  async send(
    what: PacketToEncode | Uint8Array | string,
    options: { protocolVersion?: ProtocolVersion } = {},
  ): Promise<void> {
    const protocolVersion = options.protocolVersion ?? this.#agreed(what);
    const bytes =
      typeof what === "string"
        ? toHexBytes(what)
        : what instanceof Uint8Array
          ? what
          : encodePacket(what, { protocolVersion });
    if (this.#end || !this.#socket.writable) throw this.#over("nothing can be sent");
    this.#take(this.#up.push(bytes), this.sent);
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(bytes, (error) => (error ? reject(this.#over("the bytes were not sent", error)) : resolve()));
    });
  }

  async next(type?: PacketType, options: { timeout?: number } = {}): Promise<DecodedPacket> {
    const timeout = options.timeout ?? 5_000;
    const find = () => this.packets.find((one) => !this.#taken.has(one) && (!type || one.packet.type === type));
    const take = () => {
      const found = find();
      if (found) this.#taken.add(found);
      return found;
    };
    const found = await this.#waiting.until(take, timeout, () => this.#end !== undefined);
    if (!found) throw this.#missing(type, timeout);
    return found;
  }

  end(): void {
    this.#socket.end();
  }

  async close(): Promise<void> {
    this.#finish({ by: "client", how: "FIN" });
    this.#socket.destroy();
    await this.closed;
  }

  reset(): void {
    this.#finish({ by: "client", how: "RST" });
    this.#socket.resetAndDestroy();
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const state = this.#end ? `ended by the ${this.#end.by} (${this.#end.how})` : "open";
    return `raw connection to ${this.#address} · ${state} · ${this.sent.length} packets sent, ${this.packets.length} received`;
  }

  /** A CONNECT as an object is written in its own version, everything else in that of the CONNECT before it. */
  #agreed(what: unknown): ProtocolVersion | undefined {
    const own = (what as { protocolVersion?: ProtocolVersion }).protocolVersion;
    return own ?? this.#up.agreement.protocolVersion;
  }

  #listen(ended: (end: RawEnd) => void): void {
    const socket = this.#socket;
    socket.on("data", (chunk) => {
      this.#chunks.push(chunk);
      this.#take(this.#down.push(chunk), this.packets);
    });
    socket.on("end", () => {
      this.#finish({ by: "broker", how: "FIN" });
      this.#take(this.#down.end(), this.packets);
      socket.end();
    });
    socket.on("error", () => this.#finish({ by: "broker", how: "RST" }));
    socket.on("close", () => {
      this.#finish({ by: "broker", how: "RST" });
      ended(this.#end!);
    });
  }

  #take(decoded: readonly Decoded[], list: DecodedPacket[]): void {
    for (const one of decoded) list.push(withFields(one));
    this.#waiting.notify();
  }

  #finish(end: RawEnd): void {
    this.#end ??= end;
    this.#waiting.notify();
  }

  #over(what: string, cause?: Error): LabError {
    const end = this.#end
      ? `the connection was ended by the ${this.#end.by} (${this.#end.how})`
      : "the connection has ended";
    return new LabError(
      "CONNECT_FAILED",
      `${what}: ${end}`,
      "open a new raw connection; what the broker sent before is in its packets",
      { cause },
    );
  }

  #missing(type: PacketType | undefined, timeout: number): LabError {
    const ended = this.#end && `before the connection ended (${this.#end.how} by the ${this.#end.by})`;
    const others = this.packets.filter((one) => !this.#taken.has(one)).map((one) => one.packet.type);
    const instead = others.length ? `; what came instead: ${others.slice(0, 5).join(", ")}` : "";
    return new LabError(
      "TIMEOUT",
      `no ${type ?? "packet"} came ${ended ?? `within ${timeout} ms`}${instead}`,
      ended ? "the broker closed: its log says why" : "did the broker accept the packets before this one?",
    );
  }
}

const unreachable = (address: string, why: string, cause?: Error) =>
  new LabError(
    "CONNECT_FAILED",
    `no TCP connection to ${address}: ${why}`,
    "is the broker running, and is this one of its listeners?",
    { cause },
  );
