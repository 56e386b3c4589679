/** Where a connection goes that a program of a lab opens: the lab's own names and ports, then the rest of the world. */
import { Errno } from "../core/files";
import type { ListenAddress } from "../core/network";
import type { Neighbours, PublishedPort } from "./messages";
import type { Place } from "./tcp";

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i;

/** A lab's brokers, as one of them (or a program beside it) sees them. */
export class Route {
  constructor(
    readonly own: readonly PublishedPort[],
    public neighbours: Neighbours,
  ) {}

  /** An errno where a broker of the lab has no such listener. */
  to = (address: ListenAddress): Place | number => {
    const here = LOOPBACK.test(address.host) ? this.own.find((one) => one.port === address.port) : undefined;
    if (here) return { host: here.host, port: here.insidePort ?? here.hostPort };
    const ports = this.neighbours[address.host.toLowerCase()];
    if (!ports) return { host: address.host, port: address.port };
    const there = ports.find((one) => one.port === address.port);
    return there && there.insidePort === undefined ? { host: there.host, port: there.hostPort } : Errno.connrefused;
  };
}
