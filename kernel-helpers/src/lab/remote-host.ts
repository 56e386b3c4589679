import { connect, type Socket } from "node:net";
import { types } from "node:util";
import type {
  Door,
  DoorPlan,
  EngineBroker,
  EngineKind,
  EngineProbe,
  EngineService,
  ExecOptions,
  Link,
  Progress,
  ToolResult,
} from "../brokers/engine";
import type { BrokerSpec } from "../brokers/spec";
import type { Outcome } from "../checks/outcome";
import { Partner } from "../checks/partner";
import { Peer } from "../checks/peer";
import { LabError } from "../core/errors";
import type { Tap, TapOptions } from "../mqtt/tap";
import { openTap } from "../mqtt/tap";
import { Broker } from "./broker";
import type { Host, ToolRequest } from "./host";
import { type BrokerSnapshot, type HelloAnswer, JUDGE_ENV, type JudgeAddress, type LogNote } from "./judge-protocol";
import { RemoteBroker } from "./remote-broker";

/** The one connection of this kernel: the token is good for one, and a lab that is opened again uses the same. */
let connection: Promise<Connection> | undefined;

/**
 * The host of a graded lab, or undefined in a lesson: brokers, taps and checks are in the judge's process.
 * @throws LabError SETUP_FAILED when the judge does not answer.
 */
export async function openRemoteHost(lab: string): Promise<Host | undefined> {
  const said = process.env[JUDGE_ENV];
  if (said !== undefined) {
    // Out of sight for what cells start; the connection is what counts from here on.
    delete process.env[JUDGE_ENV];
    connection = Connection.open(JSON.parse(said) as JudgeAddress);
  }
  if (!connection) return undefined;
  const to = await connection;
  return new RemoteHost(to, (await to.call("hello", { lab })) as HelloAnswer);
}

class Connection {
  readonly peer: Peer;
  readonly partner: Partner;
  readonly brokers = new Map<string, RemoteBroker>();
  readonly taps = new WeakMap<object, string>();
  readonly tapsById = new Map<string, Tap>();
  progress: Progress | undefined;

  private constructor(socket: Socket) {
    this.peer = new Peer(socket, {
      calls: { function: (message) => this.partner.serve(message) },
      notes: {
        log: (note) => this.#log(note as unknown as LogNote),
        state: (note) => this.#state(note as unknown as BrokerSnapshot),
        progress: (note) => this.progress?.(String(note)),
      },
    });
    this.partner = new Partner({
      peer: this.peer,
      isProxy: types.isProxy,
      refer: (value) => this.#refer(value),
      resolve: (kind, id) => (kind === "tap" ? this.tapsById.get(id) : this.#handle(id)),
    });
  }

  static async open({ path, token }: JudgeAddress): Promise<Connection> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      const refused = (cause: Error) =>
        reject(
          new LabError("SETUP_FAILED", `the judge does not answer: ${cause.message}`, "start the grading again", {
            cause,
          }),
        );
      socket.once("connect", () => {
        socket.off("error", refused);
        resolve();
      });
      socket.once("error", refused);
    });
    // The judge's connection alone must not keep a kernel alive.
    socket.unref();
    const made = new Connection(socket);
    made.peer.note("token", token);
    return made;
  }

  async call(name: string, args: Record<string, unknown>): Promise<unknown> {
    return this.partner.decode(await this.peer.call(name, this.partner.encode(args)));
  }

  #refer(value: object): { kind: "broker" | "tap"; id: string } | undefined {
    const tap = this.taps.get(value);
    if (tap !== undefined) return { kind: "tap", id: tap };
    return value instanceof Broker && value.inner instanceof RemoteBroker
      ? { kind: "broker", id: value.inner.id }
      : undefined;
  }

  #handle(id: string): Broker | undefined {
    const inner = this.brokers.get(id);
    return inner && new Broker(inner, async () => undefined);
  }

  #log(note: LogNote): void {
    this.brokers.get(note.id)?.append(note.lines);
  }

  #state(snapshot: BrokerSnapshot): void {
    this.brokers.get(snapshot.id)?.update(snapshot);
  }
}

class RemoteHost implements Host {
  readonly probe: EngineProbe;
  readonly notices: readonly string[];
  readonly #to: Connection;

  constructor(to: Connection, hello: HelloAnswer) {
    this.#to = to;
    this.notices = hello.notices;
    this.probe = {
      kind: hello.kind,
      available: true,
      summary: hello.summary,
      mosquitto: hello.mosquitto,
      can: new Set(hello.can) as EngineProbe["can"],
    };
  }

  get engine(): EngineKind {
    return this.probe.kind;
  }

  async start(spec: BrokerSpec, progress?: Progress): Promise<EngineBroker> {
    this.#to.progress = progress;
    const snapshot = (await this.#to.call("start", { spec })) as BrokerSnapshot;
    const broker = new RemoteBroker(snapshot, (id, method, args) => this.#to.call("broker", { id, method, args }));
    this.#to.brokers.set(snapshot.id, broker);
    // Lines and news that came before this side knew the broker.
    await this.#to.call("follow", { id: snapshot.id });
    return broker;
  }

  async tool(request: ToolRequest, options: ExecOptions & { progress?: Progress } = {}) {
    this.#to.progress = options.progress;
    const { input, timeout } = options;
    return (await this.#to.call("tool", { request, options: { input, timeout } })) as ToolResult & {
      files: ReadonlyMap<string, Uint8Array>;
    };
  }

  async service(): Promise<EngineService> {
    throw new LabError(
      "ENGINE_CANNOT",
      "containers of other kinds are not there while a notebook is graded",
      "nothing: checks that need one start it themselves",
    );
  }

  async link(a: EngineBroker, b: EngineBroker): Promise<Link> {
    const ends = { a: (a as RemoteBroker).id, b: (b as RemoteBroker).id };
    const id = await this.#to.call("link", ends);
    let state: Link["state"] = "up";
    const change = async (to: "cut" | "mend") => {
      await this.#to.call("linkDo", { id, to });
      state = to === "cut" ? "cut" : "up";
    };
    return {
      get state() {
        return state;
      },
      cut: () => change("cut"),
      mend: () => change("mend"),
    };
  }

  /** The judge's brokers come to a port of this kernel. */
  async door(plan: Omit<DoorPlan, "lab">, progress?: Progress): Promise<Door> {
    this.#to.progress = progress;
    const { name, port, target, behind } = plan;
    const wanted = { name, port, target: target.port, behind: (behind as RemoteBroker | undefined)?.id };
    const { id, address } = (await this.#to.call("door", wanted)) as { id: string; address: string };
    const remove = async () => {
      if (this.#to.peer.ended === undefined) await this.#to.call("closeDoor", { id });
    };
    return { name, address, remove };
  }

  /**
   * Two taps in a row. The judge's own sees what the broker sees, and is what a check is given. This kernel's own makes
   * `packets` complete the moment an answer arrives, as in a lesson: news from another process would come later.
   */
  async tap(target: { url: string }, options?: TapOptions): Promise<Tap> {
    const { id, url } = (await this.#to.call("tap", { url: target.url })) as { id: string; url: string };
    const tap = await openTap({ url }, options);
    const close = tap.close.bind(tap);
    Object.defineProperty(tap, "close", {
      configurable: true,
      value: async () => {
        await close();
        this.#to.tapsById.delete(id);
        if (this.#to.peer.ended === undefined) await this.#to.call("closeTap", { id });
      },
    });
    const clear = tap.clear.bind(tap);
    Object.defineProperty(tap, "clear", {
      value: () => {
        clear();
        // By the clock of this machine, which both taps share.
        this.#to.call("clearTap", { id, epoch: Date.now() }).catch(() => undefined);
      },
    });
    this.#to.taps.set(tap, id);
    this.#to.tapsById.set(id, tap);
    return tap;
  }

  async removeVolume(name: string): Promise<void> {
    await this.#to.call("removeVolume", { name });
  }

  async check(id: string, given: Record<string, unknown>): Promise<Outcome> {
    try {
      const { peer, partner } = this.#to;
      return partner.decode(await peer.call("check", { id, given: partner.encodeEach(given) })) as Outcome;
    } finally {
      this.#to.partner.forget();
    }
  }

  async close(): Promise<void> {
    if (this.#to.peer.ended === undefined) await this.#to.call("close", {});
    this.#to.brokers.clear();
  }
}
