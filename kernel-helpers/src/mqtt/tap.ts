import { addressOf, type TcpTarget } from "./address";
import type { TapConnection } from "./tap-connection";
import type { TapFaults } from "./tap-faults";
import { TcpTap } from "./tap-proxy";
import type { PacketFilter, PacketRecord } from "./tap-record";
import { openTerminatingTap, type TapTls } from "./tap-terminate";
import type { TlsRecord } from "./tls-reader";
import type { WebSocketFrame } from "./websocket";

export type { TapConnection } from "./tap-connection";
export type { FaultOptions, FrozenConnections, HeldPackets, TapFault, TapFaults } from "./tap-faults";
export type { Corruption, FaultKind, PacketFilter, PacketRecord } from "./tap-record";
export type { Identity, TapTls } from "./tap-terminate";
export type { TlsMessage, TlsRecord } from "./tls-reader";
export type { FrameKind, WebSocketFrame } from "./websocket";

export interface TapOptions {
  /** Of larger packets only as many bytes are kept, with length and hash. Default 65,536. */
  keep?: number;
  /** How many packets are kept; then the oldest go, and `forgotten` counts them. Default 50,000. */
  limit?: number;
  /** In front of a TLS listener: ends TLS with a key that the clients trust, so that the packets inside can be read. */
  tls?: TapTls;
}

/** Something that happened to a connection. */
export interface TapEvent {
  readonly at: number;
  readonly connection: number;
  /** "fault": a connection was cut or frozen, or a fault's filter threw. */
  readonly kind: "opened" | "unreachable" | "closed" | "fault";
  readonly text: string;
}

/**
 * A TCP proxy in front of a broker: it forwards every byte unchanged and in order, and takes both directions apart.
 * Clients connect to `url` instead of the broker's.
 *
 * With a fault armed it takes packets apart before it forwards them, and changes those only that the fault is about. Of
 * several faults the one that was armed first counts. In front of a WebSocket listener a packet that a fault is about is
 * cut out of its frames; the other frames stay as they are. Packets within TLS can't be told apart, unless the tap ends
 * it: without, only `cut` and `freeze` without a filter do something, the others throw LabError ENGINE_CANNOT.
 */
export interface Tap extends TapFaults {
  /** On 127.0.0.1, with the target's scheme. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** All packets of both directions, in the order in which the tap saw them. */
  readonly packets: readonly PacketRecord[];
  /** In front of a TLS listener: its records, with what an eavesdropper can read of them. */
  readonly records: readonly TlsRecord[];
  /** In front of a WebSocket listener: its frames, and the HTTP heads before them. */
  readonly frames: readonly WebSocketFrame[];
  readonly connections: readonly TapConnection[];
  readonly events: readonly TapEvent[];
  /** How many packets were dropped from `packets` because there were more than the limit. */
  readonly forgotten: number;
  /** The packets that fit, of those recorded so far. */
  select(filter: PacketFilter): PacketRecord[];
  /**
   * The first packet, recorded already or still to come, that fits and that no earlier `next` has taken.
   * @throws LabError TIMEOUT, which says what came instead.
   */
  next(filter?: PacketFilter, options?: { timeout?: number }): Promise<PacketRecord>;
  /**
   * Calls `run` after something was recorded or forgotten, and when the tap is closed: for pictures that follow it.
   * `run` must be quick and must not throw. Returns a function that ends it.
   */
  onChange(run: () => void): () => void;
  /** Forgets packets and events; numbers and connections go on. */
  clear(): void;
  /** Ends every connection through the tap, and the tap. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Opens a tap. TLS goes through as it is: its packets are for the two ends only, unless `tls` gives the tap keys of its own.
 * @throws LabError BAD_ARGUMENT for what is no address. An unreachable broker is no error here: its clients are reset.
 */
export async function openTap(target: TcpTarget, options: TapOptions = {}): Promise<Tap> {
  const { tls, ...own } = options;
  if (tls) return openTerminatingTap(target, tls, own, openTap);
  const tap = new TcpTap(addressOf(target), own);
  await tap.listen();
  return tap;
}
