/** The way from one broker of a lab to another, where both are processes of this machine: a port of its own, with a cable. */
import { connect, createServer, type Server, type Socket } from "node:net";
import { Cable } from "../cable";
import { connectionOf } from "../embedded/node/tcp";

export class Relay {
  readonly cable = new Cable();
  readonly port: number;
  readonly #server: Server;
  readonly #target: () => number;
  readonly #open = new Set<Socket>();

  private constructor(server: Server, port: number, target: () => number) {
    this.#server = server;
    this.port = port;
    this.#target = target;
    server.on("connection", (socket) => this.#accept(socket));
  }

  /**
   * @param port to listen on. @param target where it leads, asked for each connection.
   * @throws the system's error: EADDRINUSE.
   */
  static async open(host: string, port: number, target: () => number): Promise<Relay> {
    const server = createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port, exclusive: true }, () => {
        server.off("error", reject).on("error", () => {});
        resolve();
      });
    });
    return new Relay(server, port, target);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
  }

  #accept(socket: Socket): void {
    this.#keep(socket);
    const near = connectionOf(socket);
    const far = this.cable.connect(() => {
      const ahead = connect({ host: "127.0.0.1", port: this.#target(), noDelay: true, allowHalfOpen: true });
      this.#keep(ahead);
      return connectionOf(ahead);
    });
    let ended = 0;
    // Both directions are over: whoever sends nothing more must not be kept half-open.
    const over = () => {
      if (++ended === 2) {
        near.end();
        far.end();
      }
    };
    near.listen({
      data: (bytes) => void (far.write(bytes) || near.pause()),
      drain: () => far.resume(),
      end: () => {
        far.finish();
        over();
      },
      error: () => far.destroy(),
    });
    far.listen({
      data: (bytes) => void (near.write(bytes) || far.pause()),
      drain: () => near.resume(),
      end: () => {
        near.finish();
        over();
      },
      // A reset, or a broker that does not listen: the near end learns it as it would without this relay.
      error: () => void (socket.destroyed || socket.resetAndDestroy()),
    });
  }

  #keep(socket: Socket): void {
    this.#open.add(socket);
    socket.on("close", () => this.#open.delete(socket));
  }
}
