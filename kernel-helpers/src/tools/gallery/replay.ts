import { type Agreement, PacketDecoder } from "../../mqtt/codec";
import { toHexBytes } from "../../mqtt/hex";
import type { Direction } from "../../mqtt/packet";
import { type FaultKind, type PacketRecord, packetRecord } from "../../mqtt/tap-record";

/** What a tap saw, a packet a line: milliseconds, > or <, connection, bytes in hex, and what the tap did to it. */
export type Recording = string;

/** A record as a line of a recording. */
export function lineOf(record: PacketRecord): string {
  const { at, direction, connection, bytes, fault, forwardedAt } = record;
  const words = [at.toFixed(2), direction === "to-broker" ? ">" : "<", connection, Buffer.from(bytes).toString("hex")];
  if (fault) words.push(fault);
  if (fault && forwardedAt !== undefined) words.push(forwardedAt.toFixed(2));
  return words.join(" ");
}

/** The records again: the bytes are taken apart as the tap does it, so that a change of the codec shows in the pictures. */
export function replay(recording: Recording): PacketRecord[] {
  const connections = new Map<number, Connection>();
  return recording
    .trim()
    .split("\n")
    .map((line, i) => {
      const [at = "", way = "", number = "", hex = "", fault, forwardedAt] = line.split(" ");
      const direction: Direction = way === ">" ? "to-broker" : "to-client";
      const connection = connections.get(Number(number)) ?? open(Number(number));
      connections.set(Number(number), connection);
      const [decoded, ...more] = connection.decoders[direction].push(toHexBytes(hex));
      if (!decoded || more.length) throw new Error(`line ${i + 1} of a recording is not one packet: ${line}`);
      const { packet } = decoded;
      const assigned = packet.type === "CONNACK" ? packet.properties?.assignedClientIdentifier : undefined;
      connection.clientId ??= (packet.type === "CONNECT" && packet.clientIdentifier) || assigned || undefined;
      const mark = fault
        ? { fault: fault as FaultKind, ...(forwardedAt ? { forwardedAt: Number(forwardedAt) } : {}) }
        : undefined;
      return packetRecord(i + 1, { at: Number(at), epoch: Number(at), direction, connection, mark }, decoded);
    });
}

interface Connection {
  readonly number: number;
  clientId?: string;
  readonly decoders: Readonly<Record<Direction, PacketDecoder>>;
}

function open(number: number): Connection {
  const agreement: Agreement = {};
  const decoder = (direction: Direction) => new PacketDecoder({ direction, agreement });
  return { number, decoders: { "to-broker": decoder("to-broker"), "to-client": decoder("to-client") } };
}
