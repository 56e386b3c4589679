import type { Socket } from "node:net";
import type { Address } from "./address";
import type { Decoded } from "./codec";
import type { Direction } from "./packet";
import type { TapEvent } from "./tap";
import { Relay, type TapConnection } from "./tap-connection";
import type { Fault } from "./tap-faults";
import { FrameLeg } from "./tap-frames";
import { PlainLeg } from "./tap-leg";
import type { Mutable, TapLog } from "./tap-log";
import { type Readers, readersOf } from "./tap-readers";
import type { Mark } from "./tap-record";
import type { Leg } from "./tap-verdict";
import { WebSocketReader } from "./websocket";

/** A connection through the tap, with all that works on it. */
export interface Line {
  readonly connection: Mutable<TapConnection>;
  readonly relay: Relay;
  readonly readers: Readers;
  readonly legs: Readonly<Record<Direction, Leg>>;
  /** The faults that hold it frozen. */
  readonly frozen: Set<Fault>;
}

/** Bytes that were forwarded and not looked at yet; without bytes, the end of that direction. */
export interface Forwarded {
  readonly line: Line;
  readonly direction: Direction;
  readonly bytes: Uint8Array | undefined;
  readonly at: number;
}

/** What a line asks of its tap, and tells it. */
export interface LineHost {
  readonly target: Address;
  /** How many bytes of a packet are kept. */
  readonly keep: number;
  readonly log: TapLog;
  /** Whether any fault is armed. */
  armed(): boolean;
  now(): number;
  event(connection: TapConnection, kind: TapEvent["kind"], text: string): void;
  later(forwarded: Forwarded): void;
  /** Lets a leg do its work, and nobody else meanwhile. */
  work(run: () => void): void;
  /** Which fault meets this packet. */
  decide(line: Line, direction: Direction, decoded: Decoded): Fault | undefined;
  record(line: Line, direction: Direction, decoded: readonly Decoded[], at: number, mark?: Mark): void;
  cut(line: Line, fault: Fault): void;
  freeze(line: Line, fault: Fault): void;
  closed(line: Line): void;
}

/** Connects a client's socket, accepted paused and half-open, with the broker. */
export function openLine(socket: Socket, connection: Mutable<TapConnection>, host: LineHost): Line {
  const { target, keep, log } = host;
  const lineOf = () => line;
  const relay = relayOf(socket, connection, host, lineOf);
  const { number } = connection;
  const readers = readersOf(target.scheme, keep, {
    frame: (direction, frame) => log.frame({ at: host.now(), connection: number, direction, ...frame }),
    record: (direction, record) => log.record({ at: host.now(), connection: number, direction, ...record }),
  });
  const leg = (direction: Direction) => legOf(direction, readers[direction], relay, host, lineOf);
  const legs = { "to-broker": leg("to-broker"), "to-client": leg("to-client") };
  const line: Line = { connection, relay, readers, legs, frozen: new Set() };
  return line;
}

/** Nothing of it happens before the line is there. */
function relayOf(socket: Socket, connection: Mutable<TapConnection>, host: LineHost, lineOf: () => Line): Relay {
  const count = (direction: Direction, bytes: number) => {
    if (direction === "to-broker") connection.toBroker += bytes;
    else connection.toClient += bytes;
  };
  const ended = (direction: Direction) => host.later({ line: lineOf(), direction, bytes: undefined, at: host.now() });
  return new Relay(socket, host.target, {
    taken: (direction, bytes) => {
      const leg = lineOf().legs[direction];
      if (!host.armed() && !leg.busy) return false;
      host.work(() => leg.push(bytes, host.armed()));
      return true;
    },
    passed: (direction, bytes) => {
      count(direction, bytes.length);
      host.later({ line: lineOf(), direction, bytes, at: host.now() });
    },
    forwarded: count,
    ended: (direction) => {
      const leg = lineOf().legs[direction];
      if (host.armed() || leg.busy) host.work(() => leg.end());
      ended(direction);
    },
    unreachable: (error) =>
      host.event(connection, "unreachable", `the broker could not be reached: ${error.code ?? error.message}`),
    closed: (end) => {
      connection.closedAt = host.now();
      connection.end = end;
      ended("to-broker");
      ended("to-client");
      host.closed(lineOf());
      host.event(connection, "closed", `connection ${connection.number}: ${end}`);
    },
  });
}

function legOf(
  direction: Direction,
  reader: Readers[Direction],
  relay: Relay,
  host: LineHost,
  lineOf: () => Line,
): Leg {
  const outlet = relay.outlets[direction];
  const events = {
    now: () => host.now(),
    decide: (decoded: Decoded) => host.decide(lineOf(), direction, decoded),
    record: (decoded: Decoded, mark?: Mark) => host.record(lineOf(), direction, [decoded], host.now(), mark),
    cut: (fault: Fault) => host.cut(lineOf(), fault),
    freeze: (fault: Fault) => host.freeze(lineOf(), fault),
  };
  return reader instanceof WebSocketReader
    ? new FrameLeg(reader, outlet, events)
    : new PlainLeg(reader, outlet, events);
}
