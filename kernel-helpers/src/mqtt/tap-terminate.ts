/**
 * A tap that ends TLS and begins it again: it stands before the broker with a certificate of its own, as a proxy or a
 * load balancer does, and looks inside. Three parts in a row: a TLS server for the clients, the plain tap, and a TLS
 * client for each connection to the broker. Only who has a key that the clients trust can open one.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { inspect } from "node:util";
import { LabError } from "../core/errors";
import { type Address, addressOf, type TcpTarget } from "./address";
import type { Tap, TapEvent, TapOptions } from "./tap";

/** A certificate's chain (PEM) and its key, as `lab.authority()` makes them. */
export interface Identity {
  readonly chain: string;
  readonly key: string | Uint8Array;
}

export interface TapTls {
  /** What the tap shows to clients in the broker's place: a certificate that they trust, and its key. */
  readonly server: Identity;
  /** Whom the tap trusts when it looks at the broker's certificate, PEM. */
  readonly ca: string;
  /** What the tap shows to a broker that asks for a certificate. The client's own ends at the tap. */
  readonly client?: Identity;
  /** The name that the broker's certificate has to carry. Default: the host that the broker's URL names. */
  readonly servername?: string;
}

type Open = (target: TcpTarget, options: TapOptions) => Promise<Tap>;

/** @throws LabError BAD_ARGUMENT for a target without TLS, and for a certificate or key that OpenSSL can't read. */
export async function openTerminatingTap(
  target: TcpTarget,
  tls: TapTls,
  options: TapOptions,
  open: Open,
): Promise<Tap> {
  const address = addressOf(target);
  if (address.scheme !== "mqtts" && address.scheme !== "wss") {
    throw bad(`${address.scheme}:// has no TLS to end`, "leave out `tls`: a tap reads what is in clear as it is");
  }
  const ends = new Set<Socket>();
  const events: TapEvent[] = [];
  const opened = performance.now();
  const note = (text: string) =>
    events.push({ at: performance.now() - opened, connection: 0, kind: "unreachable", text });
  const back = createServer({ noDelay: true }, (socket) => toBroker(socket, address, tls, ends, note));
  const backPort = await listen(back);
  const inner = { ...address, scheme: address.scheme === "wss" ? "ws" : "mqtt" };
  const path = inner.scheme === "ws" ? inner.path : "";
  const tap = await open(`${inner.scheme}://127.0.0.1:${backPort}${path}`, options);
  let front: Server;
  try {
    front = clientsEnd(tls, tap.port, ends, note);
  } catch (cause) {
    await Promise.all([tap.close(), closed(back)]);
    throw bad(
      `a certificate or key can't be read: ${(cause as Error).message}`,
      "give server: { chain, key } in PEM",
      cause,
    );
  }
  const port = await listen(front);
  const url = `${address.scheme}://127.0.0.1:${port}${path}`;
  const closeTap = tap.close.bind(tap);
  const close = async () => {
    for (const socket of ends) socket.destroy();
    await Promise.all([closed(front), closeTap(), closed(back)]);
  };
  const plain = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(tap), "events")!.get!;
  const show = () =>
    `tap ${url}, which ends TLS, in front of ${address.scheme}://${address.host}:${address.port} · ${tap.packets.length} packets`;
  // Configurable: a graded lab gives its taps an end of its own.
  return Object.defineProperties(tap, {
    url: { value: url },
    port: { value: port },
    close: { value: close, configurable: true },
    events: { get: () => [...plain.call(tap), ...events].sort((a, b) => a.at - b.at) },
    [inspect.custom]: { value: show },
  });
}

function clientsEnd({ server }: TapTls, port: number, ends: Set<Socket>, note: (text: string) => void): Server {
  const settings = { cert: server.chain, key: asBuffer(server.key) };
  const front = createTlsServer(settings, (socket) => {
    socket.setNoDelay(true);
    join(socket, connect({ host: "127.0.0.1", port, noDelay: true }), ends);
  });
  front.on("tlsClientError", (error: NodeJS.ErrnoException) =>
    note(`a client ended the handshake: ${error.code ?? error.message}`),
  );
  return front;
}

function toBroker(socket: Socket, to: Address, tls: TapTls, ends: Set<Socket>, note: (text: string) => void): void {
  const { ca, client, servername } = tls;
  const identity = client && { cert: client.chain, key: asBuffer(client.key) };
  let out: TLSSocket;
  try {
    out = connectTls({ host: to.host, port: to.port, ca, servername, ...identity });
  } catch (error) {
    note(`no TLS towards the broker: ${(error as Error).message}`);
    socket.destroy();
    return;
  }
  out.setNoDelay(true);
  out.on("error", (error: NodeJS.ErrnoException) =>
    note(`TLS towards the broker failed: ${error.code ?? error.message}`),
  );
  join(socket, out, ends);
}

/** Two sockets as one: bytes both ways, an end as an end, a break as a break. */
function join(a: Socket, b: Socket, ends: Set<Socket>): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    ends.add(from);
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => {
      ends.delete(from);
      // An end was piped already; whoever broke without one takes the other along.
      if (!from.readableEnded) to.destroy();
    });
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

const closed = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

/** TLS takes texts and Buffers; bytes that came through a check are neither. */
const asBuffer = (key: string | Uint8Array): string | Buffer => (typeof key === "string" ? key : Buffer.from(key));

const bad = (message: string, hint: string, cause?: unknown): LabError =>
  new LabError("BAD_ARGUMENT", message, hint, { cause });
