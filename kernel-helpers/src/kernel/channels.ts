import { randomBytes, randomUUID } from "node:crypto";
import { createServer } from "node:net";
import type * as zmq from "zeromq";
import { address, type ConnectionInfo, type Content, decode, encode, type Message, newHeader } from "./protocol";

export type Channel = "shell" | "control";

/** Ports that nobody listens on at this moment, and a new key. */
export async function newConnection(): Promise<ConnectionInfo> {
  const servers = await Promise.all(Array.from({ length: 5 }, () => listening()));
  // All five are held until all are known: else the same one could be given out twice.
  const [shell, iopub, stdin, control, hb] = servers.map(({ port }) => port) as [
    number,
    number,
    number,
    number,
    number,
  ];
  await Promise.all(servers.map(({ close }) => close()));
  return {
    transport: "tcp",
    ip: "127.0.0.1",
    key: randomBytes(32).toString("hex"),
    signature_scheme: "hmac-sha256",
    shell_port: shell,
    iopub_port: iopub,
    stdin_port: stdin,
    control_port: control,
    hb_port: hb,
  };
}

function listening(): Promise<{ port: number; close: () => Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      resolve({ port, close: () => new Promise((closed) => server.close(() => closed())) });
    });
  });
}

/** A client's ends of a kernel's sockets. */
export class Channels {
  readonly #connection: ConnectionInfo;
  readonly #session = randomUUID();
  readonly #sockets: { shell: zmq.Dealer; control: zmq.Dealer; iopub: zmq.Subscriber };
  readonly #sending: Record<Channel, Promise<void>> = { shell: Promise.resolve(), control: Promise.resolve() };

  private constructor(connection: ConnectionInfo, zeromq: typeof zmq) {
    this.#connection = connection;
    const options = { linger: 0, receiveHighWaterMark: 0, sendHighWaterMark: 0 };
    const shell = new zeromq.Dealer(options);
    const control = new zeromq.Dealer(options);
    const iopub = new zeromq.Subscriber({ linger: 0, receiveHighWaterMark: 0 });
    shell.connect(address(connection, connection.shell_port));
    control.connect(address(connection, connection.control_port));
    iopub.connect(address(connection, connection.iopub_port));
    iopub.subscribe();
    this.#sockets = { shell, control, iopub };
  }

  /** Connects, and hands every message over as it comes. */
  static async open(
    connection: ConnectionInfo,
    receive: (message: Message, channel: Channel | "iopub") => void,
  ): Promise<Channels> {
    const channels = new Channels(connection, await import("zeromq"));
    for (const name of ["shell", "control", "iopub"] as const) void channels.#pump(name, receive);
    return channels;
  }

  /** @returns the message's id, by which answers name it. */
  send(channel: Channel, type: string, content: Content): string {
    const header = newHeader(type, this.#session, "client");
    const frames = encode(this.#connection.key, { header, json: JSON.stringify(content) });
    this.#sending[channel] = this.#sending[channel]
      .then(() => this.#sockets[channel].send(frames))
      // The sockets were closed meanwhile: whoever waits for an answer is told by the client.
      .catch(() => {});
    return header.msg_id;
  }

  close(): void {
    for (const socket of Object.values(this.#sockets)) socket.close();
  }

  async #pump(name: Channel | "iopub", receive: (message: Message, channel: Channel | "iopub") => void): Promise<void> {
    for await (const frames of this.#sockets[name]) {
      let message: Message;
      try {
        message = decode(this.#connection.key, frames);
      } catch (error) {
        // Whoever it came from, it was not our kernel.
        process.emitWarning(`dropped a message on ${name}: ${(error as Error).message}`);
        continue;
      }
      receive(message, name);
    }
  }
}
