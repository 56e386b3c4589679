import type { Address } from "./address";
import { type Agreement, type Decoded, PacketDecoder } from "./codec";
import type { Direction } from "./packet";
import { sha256 } from "./tap-record";
import { type HeardRecord, type TlsAgreement, TlsReader } from "./tls-reader";
import { type SeenFrame, WebSocketReader } from "./websocket";

/** Takes one direction of a connection apart: says which packets these bytes complete. */
type Reader = PacketDecoder | WebSocketReader | { push(bytes: Uint8Array): Decoded[]; end(): Decoded[] };

/** One for each direction of a connection. */
export type Readers = Readonly<Record<Direction, Reader>>;

/** What passes beside packets. */
export interface Beside {
  frame(direction: Direction, frame: SeenFrame): void;
  record(direction: Direction, record: HeardRecord): void;
}

/** What can be read of a connection with a listener of that scheme. @param keep how many bytes of a packet are kept. */
export function readersOf(scheme: Address["scheme"], keep: number, beside: Beside): Readers {
  // TLS has no packets for a tap, only records.
  if (scheme === "mqtts" || scheme === "wss") {
    const agreement: TlsAgreement = {};
    return both((direction) => new TlsReader(agreement, (record) => beside.record(direction, record)));
  }
  const agreement: Agreement = {};
  return both((direction) => {
    const decoder = new PacketDecoder({ direction, agreement, keep, hash: sha256, lazy: true });
    return scheme === "ws" ? new WebSocketReader(decoder, (frame) => beside.frame(direction, frame)) : decoder;
  });
}

const both = (make: (direction: Direction) => Reader): Readers => ({
  "to-broker": make("to-broker"),
  "to-client": make("to-client"),
});
