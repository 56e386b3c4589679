/** Where a connection goes that a program of a lab opens: the lab's own names and ports, then the rest of the world. */
import { Cable } from "../../cable";
import { Errno } from "../core/files";
import type { ListenAddress } from "../core/network";
import type { Neighbours, PublishedPort } from "./messages";
import type { Place } from "./tcp";

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i;

/** A lab's brokers, as one of them (or a program beside it) sees them. */
export class Route {
  readonly #own: readonly PublishedPort[];
  /** By neighbour, from the first connection to it on. */
  readonly #cables = new Map<string, Cable>();
  #neighbours: Neighbours;
  #cut: ReadonlySet<string>;

  /** @param cut the neighbours that it is cut from. */
  constructor(own: readonly PublishedPort[], neighbours: Neighbours, cut: readonly string[]) {
    this.#own = own;
    this.#neighbours = neighbours;
    this.#cut = new Set(cut);
  }

  update(neighbours: Neighbours, cut: readonly string[]): void {
    this.#neighbours = neighbours;
    this.#cut = new Set(cut);
    for (const [name, cable] of this.#cables) cable.isCut = this.#cut.has(name);
  }

  /** An errno where a broker of the lab has no such listener. */
  to = (address: ListenAddress): Place | number => {
    const here = LOOPBACK.test(address.host) ? this.#own.find((one) => one.port === address.port) : undefined;
    if (here) return { host: here.host, port: here.insidePort ?? here.hostPort };
    const ports = this.#neighbours[address.host.toLowerCase()];
    if (!ports) return { host: address.host, port: address.port };
    const there = ports.find((one) => one.port === address.port);
    return there && there.insidePort === undefined ? { host: there.host, port: there.hostPort } : Errno.connrefused;
  };

  /** For a program that ends before anything is mended: an errno where it is cut off. */
  toNow = (address: ListenAddress): Place | number =>
    this.#cut.has(address.host.toLowerCase()) ? Errno.hostunreach : this.to(address);

  /** What a connection to a neighbour runs through. */
  cable = (address: ListenAddress): Cable | undefined => {
    const name = address.host.toLowerCase();
    if (!Object.hasOwn(this.#neighbours, name)) return undefined;
    const cable = this.#cables.get(name) ?? new Cable();
    cable.isCut = this.#cut.has(name);
    this.#cables.set(name, cable);
    return cable;
  };
}
