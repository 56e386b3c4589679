/**
 * The kernel's ears and mouth: all five sockets live in this worker thread. So the heart beats, kernel_info, interrupt
 * and shutdown are answered, and output flows, whatever the main thread is busy with; and ending a runaway cell
 * (which empties the main thread's queue of microtasks) can't take a socket's read loop with it.
 */
import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import type * as zmq from "zeromq";
import { Interrupter } from "./interrupter";
import { complain } from "./log";
import {
  address,
  type Content,
  decode,
  encode,
  type Header,
  type Message,
  newHeader,
  parseConnection,
} from "./protocol";
import { type FromWire, Shared, type ToWire, type WireData } from "./wire-types";

const data = workerData as WireData;
const port = parentPort!;
const connection = parseConnection(readFileSync(data.connectionFile, "utf8"));
const toMain = (message: FromWire): void => port.postMessage(message);
const shared = new Int32Array(data.shared);
const interrupter = new Interrupter(shared, (number, terminated) => toMain({ kind: "interrupt", number, terminated }));
/** How long the main thread has for its cleanup before the process is ended from here, in ms. */
const LEAVE_DEADLINE = 3_000;
const PARENT_POLL = 1_000;

type Frames = (Uint8Array | string)[];

/** Sends one message after the other: zeromq refuses a second send while one is under way. */
class Sender {
  #queue: { frames: Frames; sent?: () => void }[] = [];
  #pumping: Promise<void> | undefined;
  readonly #socket: zmq.Writable<Frames>;

  constructor(socket: zmq.Writable<Frames>) {
    this.#socket = socket;
  }

  send(frames: Frames, sent?: () => void): void {
    this.#queue.push({ frames, sent });
    this.#pumping ??= this.#pump();
  }

  /** Resolves when all is handed to the socket. */
  async drained(): Promise<void> {
    await this.#pumping;
  }

  async #pump(): Promise<void> {
    for (let at = 0; at < this.#queue.length; at++) {
      const { frames, sent } = this.#queue[at]!;
      await this.#socket.send(frames).catch((error: Error & { code?: string }) => {
        // A client that went away (EHOSTUNREACH) or our own close: nobody is left to tell.
        if (error.code !== "EHOSTUNREACH" && error.code !== "EBADF") throw error;
      });
      sent?.();
      // Long queues (a flood of output) are cut now and then instead of shifted each time.
      if (at >= 1_000) {
        this.#queue.splice(0, at + 1);
        at = -1;
      }
    }
    this.#queue = [];
    this.#pumping = undefined;
  }
}

interface Pending {
  readonly message: Message;
  readonly sender: Sender;
}

class Wire {
  readonly #sockets: { close(): void }[] = [];
  readonly #pending = new Map<number, Pending>();
  readonly #senders: Sender[] = [];
  #iopub!: Sender;
  #lastSeq = 0;
  #executed = false;
  #running: Header | undefined;

  async open(): Promise<void> {
    const zeromq = await import("zeromq");
    const keep = <Socket extends { close(): void; linger: number }>(socket: Socket): Socket => {
      socket.linger = 1_000;
      this.#sockets.push(socket);
      return socket;
    };
    const iopub = keep(new zeromq.XPublisher({ sendHighWaterMark: 0, verbosity: "allSubs" }));
    const shell = keep(new zeromq.Router({ sendHighWaterMark: 0 }));
    const control = keep(new zeromq.Router({ sendHighWaterMark: 0 }));
    const stdin = keep(new zeromq.Router());
    const heart = keep(new zeromq.Reply());
    this.#iopub = this.#sender(iopub);
    // Bind all before reading any: a client that is early must find a kernel that answers on every socket.
    await Promise.all([
      iopub.bind(address(connection, connection.iopub_port)),
      shell.bind(address(connection, connection.shell_port)),
      control.bind(address(connection, connection.control_port)),
      stdin.bind(address(connection, connection.stdin_port)),
      heart.bind(address(connection, connection.hb_port)),
    ]);
    void this.#beat(heart);
    void this.#welcome(iopub);
    void this.#listen(shell);
    void this.#listen(control);
  }

  #sender(socket: zmq.Writable<Frames>): Sender {
    const sender = new Sender(socket);
    this.#senders.push(sender);
    return sender;
  }

  abandon(): void {
    for (const socket of this.#sockets) socket.close();
  }

  receive(message: ToWire): void {
    switch (message.kind) {
      case "publish":
        this.#publish(message.type, message.parent, message.json, message.metadata, () => {
          Atomics.sub(shared, Shared.Underway, message.json.length);
          Atomics.notify(shared, Shared.Underway);
        });
        break;
      case "status":
        this.#status(message.state, message.parent);
        break;
      case "reply": {
        const pending = this.#pending.get(message.seq);
        this.#pending.delete(message.seq);
        if (pending) this.#reply(pending, message.type, message.json);
        break;
      }
      case "fence":
        // Two turns: what already waits in the sockets is read before the fence goes back.
        setImmediate(() => setImmediate(() => toMain(message)));
        break;
      case "close":
        void this.#close();
        break;
    }
  }

  async #beat(heart: zmq.Reply): Promise<void> {
    for await (const frames of heart) await heart.send(frames);
  }

  /** A subscriber has come: it learns that it is heard and, before any cell ran, that the kernel is starting. */
  async #welcome(iopub: zmq.XPublisher): Promise<void> {
    for await (const [frame] of iopub) {
      if (frame?.[0] !== 1) continue;
      const nobody = {} as Header;
      this.#publish("iopub_welcome", nobody, JSON.stringify({ subscription: frame.subarray(1).toString() }));
      if (this.#executed) continue;
      // JupyterLab asks nothing of a kernel that was restarted for a dead one: without `idle` it shows `starting` for good.
      for (const state of ["starting", "idle"])
        this.#publish("status", nobody, JSON.stringify({ execution_state: state }));
    }
  }

  async #listen(socket: zmq.Router): Promise<void> {
    const sender = this.#sender(socket);
    for await (const frames of socket) {
      try {
        this.#handle({ message: decode(connection.key, frames), sender });
      } catch (error) {
        // Not signed with our key, or not a message at all: whoever sent it gets no answer.
        complain("dropped a message", (error as Error).message);
      }
    }
  }

  #handle(pending: Pending): void {
    const { header, content } = pending.message;
    const answer = this.#answers[header.msg_type];
    if (answer) {
      this.#status("busy", header);
      answer(pending, content);
      this.#status("idle", header);
      return;
    }
    const seq = ++this.#lastSeq;
    this.#pending.set(seq, pending);
    toMain({ kind: "request", request: { seq, header, content } });
  }

  /** Requests that need nothing of the main thread. */
  readonly #answers: Record<string, ((pending: Pending, content: Content) => void) | undefined> = {
    kernel_info_request: (pending) => this.#answer(pending, data.kernelInfo),
    connect_request: (pending) => {
      const { shell_port, iopub_port, stdin_port, control_port, hb_port } = connection;
      this.#answer(pending, { status: "ok", shell_port, iopub_port, stdin_port, control_port, hb_port });
    },
    comm_info_request: (pending) => this.#answer(pending, { status: "ok", comms: {} }),
    // There are no comm targets here: an opened comm is closed at once, as the protocol wants.
    comm_open: ({ message }, content) =>
      this.#publish("comm_close", message.header, JSON.stringify({ comm_id: content.comm_id, data: {} })),
    comm_msg: () => {},
    comm_close: () => {},
    debug_request: (pending, content) =>
      this.#answer(pending, {
        type: "response",
        success: false,
        command: content.command,
        request_seq: content.seq ?? 0,
        seq: 0,
        message: "this kernel has no debugger",
        body: {},
      }),
    interrupt_request: (pending) => {
      interrupter.interrupt();
      this.#answer(pending, { status: "ok" });
    },
    shutdown_request: (pending, content) => {
      const reply = { status: "ok", restart: content.restart === true };
      this.#answer(pending, reply);
      this.#publish("shutdown_reply", pending.message.header, JSON.stringify(reply));
      leave("shutdown");
    },
  };

  #answer(pending: Pending, content: Content): void {
    this.#reply(pending, pending.message.header.msg_type.replace(/_request$/, "_reply"), JSON.stringify(content));
  }

  #reply({ message, sender }: Pending, type: string, json: string): void {
    const { identities, header } = message;
    const reply = newHeader(type, header.session);
    sender.send(encode(connection.key, { identities, header: reply, parent: header, json }));
  }

  #publish(type: string, parent: Header, json: string, metadata?: Content, sent?: () => void): void {
    const header = newHeader(type, parent.session ?? "kernel");
    const topic = Buffer.from(`kernel.${type}`);
    this.#iopub.send(encode(connection.key, { identities: [topic], header, parent, metadata, json }), sent);
  }

  #status(state: "busy" | "idle", parent: Header): void {
    this.#publish("status", parent, JSON.stringify({ execution_state: state }));
    if (parent.msg_type === "execute_request") {
      this.#executed = true;
      this.#running = state === "busy" ? parent : undefined;
    } else if (state === "idle" && this.#running) {
      // A completion answered while a cell awaits: without this JupyterLab would show an idle kernel.
      this.#publish("status", this.#running, '{"execution_state":"busy"}');
    }
  }

  /** Sends what is queued, closes the sockets (an open one makes the addon abort at exit), tells the main thread. */
  async #close(): Promise<void> {
    await Promise.all(this.#senders.map((sender) => sender.drained()));
    this.abandon();
    toMain({ kind: "closed" });
  }
}

let leaving = false;
function leave(why: string): void {
  if (leaving) return;
  leaving = true;
  toMain({ kind: "leave", why });
  // A busy main thread has to be freed before it can run its cleanup.
  interrupter.interrupt();
  setTimeout(() => process.kill(process.pid, "SIGKILL"), LEAVE_DEADLINE);
}

/** On Windows JPY_PARENT_PID is a handle, so the launcher passes the parent's process id there. */
function watchParent(pid: number): void {
  if (pid <= 1) return;
  setInterval(() => {
    try {
      process.kill(pid, 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESRCH") leave("parent gone");
    }
  }, PARENT_POLL).unref();
}

const wire = new Wire();
const early: ToWire[] = [];
port.on("message", (message: ToWire) => early.push(message));
wire.open().then(
  () => {
    port.removeAllListeners("message");
    for (const message of early) wire.receive(message);
    port.on("message", (message: ToWire) => wire.receive(message));
    watchParent(data.parentPid);
  },
  (error: Error & { code?: string }) => {
    // Closed first: an open socket makes the addon abort when this thread ends, before anybody hears why.
    wire.abandon();
    toMain({ kind: "failed", why: `${error.code}: ${error.message}` });
  },
);
